import type { z } from 'zod';
import { CompactNumbers } from './compact-numbers.ts';
import type { LogReader } from './log-reader.ts';
import { type LogRow, rowOf } from './log-row.ts';
import { Identities } from './older-form.ts';
import { type StoredExchange, storedExchange } from './stored-exchange.ts';

/** What stands in a log, in its order. */
export type Entry =
  /** A user's list begins; `isNew`: for the first time in this file. */
  | { readonly kind: 'user'; readonly key: string; readonly isNew: boolean }
  | LoggedExchange
  /** Something else than an exchange; `path`: `"user"[4].timestamp`. */
  | { readonly kind: 'fault'; readonly path: string; readonly message: string };

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

/** In seconds this is the year 5138; in milliseconds it is 1973, before there was any log. */
const MILLISECONDS_FROM = 1e11;

/** A time of a log in seconds: bots that were written in JavaScript log milliseconds. */
export const inSeconds = (timestamp: number): number =>
  timestamp >= MILLISECONDS_FROM ? timestamp / 1000 : timestamp;

const SHOWN_CHARS = 60;
const shownKey = (key: string): string =>
  JSON.stringify(key.length > SHOWN_CHARS ? `${key.slice(0, SHOWN_CHARS)}…` : key);

const pathOf = (key: string, index: number, inside: readonly PropertyKey[] = []): string =>
  `${shownKey(key)}[${index}]${inside.map((name) => `.${String(name)}`).join('')}`;

/** Levels of lists and objects in an exchange: more could not be written again by every thread. */
const MAX_DEPTH = 1000;

const isDeeper = (value: unknown, depth: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (depth === 0 || Object.values(value).some((inner) => isDeeper(inner, depth - 1)));

/** @throws SyntaxError where the text is not JSON. */
const parsed = (json: string): { raw: object; stored: StoredExchange } | { issues: z.core.$ZodIssue[] } => {
  const raw: unknown = JSON.parse(json);
  const { data, error } = storedExchange.safeParse(raw);
  return data && raw instanceof Object ? { raw, stored: data } : { issues: error?.issues ?? [] };
};

/** An element's text that is not JSON. */
export class BrokenExchange extends Error {
  readonly json: string;
  /** Where it begins, in bytes. */
  readonly at: number;
  constructor(path: string, json: string, at: number) {
    super(`the exchange ${path} is not valid JSON`);
    this.name = 'BrokenExchange';
    this.json = json;
    this.at = at;
  }
}

/**
 * Reads a log from its beginning.
 * @throws ConversationsSyntaxError, BrokenExchange
 */
export function* readLog(reader: LogReader): Generator<Entry> {
  const users = new CompactNumbers();
  const identities = new Identities(new CompactNumbers(), users);
  let latest = Number.NEGATIVE_INFINITY;
  for (const found of reader.pass()) {
    const { kind, key, at } = found;
    if (kind === 'list') {
      const isNew = users.get(key) === undefined;
      if (isNew) users.set(key, 0);
      latest = Number.NEGATIVE_INFINITY;
      yield { kind: 'user', key, isNew };
      continue;
    }
    const { json } = found;
    if (kind === 'stray') {
      yield { kind: 'fault', path: shownKey(key), message: 'expected a list of exchanges' };
      continue;
    }
    const index = identities.nextIndex(key);
    try {
      const result = parsed(json);
      if ('issues' in result) {
        for (const { path, message } of result.issues) {
          yield { kind: 'fault', path: pathOf(key, index, path), message };
        }
        continue;
      }
      const { raw, stored } = result;
      if (isDeeper(raw, MAX_DEPTH)) {
        yield { kind: 'fault', path: pathOf(key, index), message: 'nested too deeply' };
        continue;
      }
      const id = identities.idOf(key, index, stored);
      const timestamp = inSeconds(stored.timestamp);
      latest = Math.max(latest, timestamp);
      yield { kind: 'exchange', key, index, id, stored, timestamp, time: latest, raw };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new BrokenExchange(pathOf(key, index), json, at);
    }
  }
}

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
