import { brokenAt } from '../assistant/json-place.ts';
import { CompactNumbers } from './compact-numbers.ts';
import {
  isMessage,
  type LoggedMessage,
  ownerField,
  type PairedExchange,
  pairMessages,
  readMessage,
} from './log-messages.ts';
import type { LogReader } from './log-reader.ts';
import { type LogRow, rowOf } from './log-row.ts';
import { inSeconds, readTime } from './log-times.ts';
import { Identities } from './older-form.ts';
import { type StoredExchange, storedExchange } from './stored-exchange.ts';

/** What stands in a log, in its order. */
export type Entry =
  /** A user's list begins; `isNew`: for the first time in this file. */
  { readonly kind: 'user'; readonly key: string; readonly isNew: boolean } | LoggedExchange | LogFault;

/** Something that cannot be taken over. */
export interface LogFault {
  readonly kind: 'fault';
  /** `"user"[4].timestamp`. */
  readonly path: string;
  readonly message: string;
  /** Where it is, in bytes. */
  readonly at: number;
}

/** An exchange as it stands in a log. */
export interface LoggedExchange {
  readonly kind: 'exchange';
  readonly key: string;
  /** Its place in the key's list. */
  readonly index: number;
  /** Its own id, or one derived from content and place. */
  readonly id: string;
  readonly stored: StoredExchange;
  /** When the message came, in seconds since 1970, whatever the log counts in. */
  readonly timestamp: number;
  /** The latest `timestamp` in this list until here. */
  readonly time: number;
  /** All of it, with the fields that we do not know. */
  readonly raw: object;
}

/** How a log is read. */
export interface ReadOptions {
  /** The time of what has none, in seconds since 1970; absent: having none is a fault. */
  readonly undated?: number;
}

const SHOWN_CHARS = 60;
const shownKey = (key: string): string =>
  JSON.stringify(key.length > SHOWN_CHARS ? `${key.slice(0, SHOWN_CHARS)}…` : key);

const pathOf = (key: string | undefined, index: number, inside: readonly PropertyKey[] = []): string =>
  `${key === undefined ? '' : shownKey(key)}[${index}]${inside.map((name) => `.${String(name)}`).join('')}`;

/** Levels of lists and objects in an exchange: more could not be written again by every thread. */
const MAX_DEPTH = 1000;

const isDeeper = (value: unknown, depth: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (depth === 0 || Object.values(value).some((inner) => isDeeper(inner, depth - 1)));

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An object that carries lists of messages beside other things, as an API answers. */
const ENVELOPE = new Set(['object', 'first_id', 'last_id', 'has_more', 'url']);

/**
 * Reads a log from its beginning: `{user: [{user, bot, timestamp}]}`, the same with `[{role, content}]`, a list
 * `[{user_id, user, bot}]` or `[{user_id, messages: […]}]`, and a list of messages as OpenAI's API gives it.
 * @throws ConversationsSyntaxError
 */
export function* readLog(reader: LogReader, options: ReadOptions = {}): Generator<Entry> {
  const read = new LogForms(options);
  for (const found of reader.pass()) {
    if (found.kind === 'list') yield* read.list(found.key);
    else if (found.kind === 'stray') yield* read.stray(found.key ?? '', found.json, found.at);
    else yield* read.element(found.json, found.at);
  }
  yield* read.end();
}

/** What is known between two elements of a log. */
class LogForms {
  readonly #users = new CompactNumbers();
  readonly #identities = new Identities(new CompactNumbers(), this.#users);
  readonly #options: ReadOptions;
  /** The latest time of each user in a list that mixes them; of one user where each has a list. */
  readonly #latest = new Map<string, number>();
  /** Messages that are not exchanges yet, by user. */
  readonly #messages = new Map<string, LoggedMessage[]>();
  #key: string | undefined;
  #index = 0;
  #isEnvelope = false;

  constructor(options: ReadOptions) {
    this.#options = options;
  }

  *list(key: string): Generator<Entry> {
    yield* this.end();
    this.#latest.clear();
    this.#index = 0;
    this.#key = this.#isEnvelope && key === 'data' ? undefined : key;
    if (this.#key !== undefined) yield this.#user(this.#key);
  }

  *stray(key: string, json: string, at: number): Generator<Entry> {
    if (key === 'object' && json === '"list"') this.#isEnvelope = true;
    if (this.#isEnvelope && ENVELOPE.has(key)) return;
    yield { kind: 'fault', path: shownKey(key), message: 'expected a list of exchanges', at };
  }

  *element(json: string, at: number): Generator<Entry> {
    const index = this.#index++;
    const path = (inside?: readonly PropertyKey[]) => pathOf(this.#key, index, inside);
    let value: unknown;
    try {
      value = JSON.parse(json);
    } catch {
      const message = `the exchange ${path()} is not valid JSON`;
      yield this.#lost({ kind: 'fault', path: '', message, at: at + breakIn(json) });
      return;
    }
    if (isDeeper(value, MAX_DEPTH)) {
      yield this.#lost({ kind: 'fault', path: path(), message: 'nested too deeply', at });
      return;
    }
    const owner = this.#key === undefined ? ownerField(value) : { name: undefined, key: this.#key };
    if (!owner) {
      yield { kind: 'fault', path: path(), message: 'expected a "user_id" that says whose it is', at };
      return;
    }
    if (isObject(value) && Array.isArray(value.messages) && !('user' in value)) {
      for (const message of value.messages) yield* this.#message(owner.key, message, path(), at);
      yield* this.#flush(owner.key);
    } else if (isMessage(value)) yield* this.#message(owner.key, value, path(), at);
    else if (isObject(value) && owner.name !== undefined) {
      const { [owner.name]: _, ...raw } = value;
      yield* this.#exchange(owner.key, raw, path, at);
    } else yield* this.#exchange(owner.key, value, path, at);
  }

  /** What still waits for its answer at the end of a list, or of all. */
  *end(): Generator<Entry> {
    for (const key of this.#messages.keys()) yield* this.#flush(key);
  }

  *#message(key: string, value: unknown, path: string, at: number): Generator<Entry> {
    const message = isMessage(value) ? readMessage(value, at) : undefined;
    if (message === undefined) {
      yield { kind: 'fault', path, message: 'expected messages {role, content}', at };
      return;
    }
    if (message === 'none') return;
    const waiting = this.#messages.get(key);
    if (waiting) waiting.push(message);
    else this.#messages.set(key, [message]);
  }

  *#flush(key: string): Generator<Entry> {
    const messages = this.#messages.get(key) ?? [];
    this.#messages.delete(key);
    const pathAt = (one: PairedExchange) => (inside?: readonly PropertyKey[]) =>
      `the message ${JSON.stringify(one.raw.user.slice(0, SHOWN_CHARS))} of ${shownKey(key)}${(inside ?? []).map((name) => `.${String(name)}`).join('')}`;
    for (const one of pairMessages(messages)) yield* this.#exchange(key, one.raw, pathAt(one), one.at);
  }

  *#exchange(
    key: string,
    given: unknown,
    path: (inside?: readonly PropertyKey[]) => string,
    at: number,
  ): Generator<Entry> {
    if (this.#key === undefined && this.#users.get(key) === undefined) yield this.#user(key);
    const raw = this.#timed(given);
    // Also where it is a fault: it has its place in the list.
    const index = this.#identities.nextIndex(key);
    const { data: stored, error } = storedExchange.safeParse(raw);
    if (!stored || !(raw instanceof Object)) {
      for (const issue of error?.issues ?? []) {
        yield { kind: 'fault', path: path(issue.path), message: issue.message, at };
      }
      return;
    }
    const id = this.#identities.idOf(key, index, stored);
    const timestamp = inSeconds(stored.timestamp);
    const time = Math.max(this.#latest.get(key) ?? Number.NEGATIVE_INFINITY, timestamp);
    this.#latest.set(key, time);
    yield { kind: 'exchange', key, index, id, stored, timestamp, time, raw };
  }

  /** The exchange with its time as a number. */
  #timed(given: unknown): unknown {
    if (!isObject(given)) return given;
    const { timestamp } = given;
    const { undated } = this.#options;
    if (timestamp === undefined && undated !== undefined) return { ...given, timestamp: undated };
    const time = typeof timestamp === 'string' ? readTime(timestamp) : undefined;
    return time === undefined ? given : { ...given, timestamp: time };
  }

  /** A fault that has its place in the list all the same: ids that follow from places stay when it is mended. */
  #lost(fault: LogFault): LogFault {
    if (this.#key !== undefined) this.#identities.nextIndex(this.#key);
    return fault;
  }

  #user(key: string): Entry {
    const isNew = this.#users.get(key) === undefined;
    if (isNew) this.#users.set(key, 0);
    return { kind: 'user', key, isNew };
  }
}

/** Where a text stops being JSON, in bytes from its start. */
const breakIn = (json: string): number => {
  const { line, column } = brokenAt(json);
  const before = json.split('\n').slice(0, line - 1);
  const start = before.reduce((chars, one) => chars + one.length + 1, 0);
  return Buffer.byteLength(json.slice(0, start + column - 1));
};

/**
 * The exchange as a store takes it over.
 * @param id Its id there, where that is another one.
 */
export const rowOfLogged = ({ key, stored, timestamp, raw, id: own }: LoggedExchange, id = own): LogRow => {
  // Where the older form had an `id` of another kind, or one twice, it stays beside ours.
  const older = 'id' in raw && raw.id !== id ? { older_id: raw.id } : {};
  const fields = { ...raw, ...older, timestamp, id };
  return rowOf({ key, id, stored: { ...stored, timestamp }, fields });
};
