import { open } from 'node:fs/promises';
import type { Adapter } from 'lowdb';
import { errnoOf, replaceFile } from '../../log-file/durable-file.ts';
import { ConversationsSyntaxError, findConversations, wholeText } from '../../log-file/find-conversations.ts';
import { ANONYMOUS, LOG_MODE } from '../../log-file/log-fields.ts';
import { Identities, rewritten } from '../../log-file/older-form.ts';
import { type StoredExchange, storedExchange } from '../../log-file/stored-exchange.ts';
import { conversationsText } from './conversations-text.ts';
import type { Draft } from './lanes.ts';
import { LiveLog } from './live-log.ts';
import { giveBack } from './slabs.ts';

const lineOf = (text: Buffer, at: number): number => {
  let line = 1;
  for (let i = text.indexOf(0x0a); i >= 0 && i < at; i = text.indexOf(0x0a, i + 1)) line++;
  return line;
};

/**
 * Parses an exchange's text.
 * @param place What messages call it.
 * @throws ConversationsSyntaxError
 */
export const checked = (
  json: string,
  at: number,
  place: string,
): { exchange: StoredExchange; raw: object } => {
  let raw: unknown;
  try {
    raw = JSON.parse(json);
  } catch (error) {
    throw new ConversationsSyntaxError(`${place}: ${error instanceof Error ? error.message : error}`, at);
  }
  const result = storedExchange.safeParse(raw);
  if (result.success && typeof raw === 'object' && raw !== null) return { exchange: result.data, raw };
  const issue = result.error?.issues[0];
  throw new ConversationsSyntaxError(`${place}: ${issue?.path.join('.')}: ${issue?.message}`, at);
};

/** An exchange in the file: its text is left there until it is known in which order it is to be kept. */
interface InFile extends Omit<Draft, 'json'> {
  readonly json: string | undefined;
  readonly at: number;
  readonly end: number;
}

function* exchangesIn(text: Buffer, log: LiveLog): Generator<InFile> {
  const identities = new Identities();
  for (const found of findConversations(wholeText(text))) {
    const { kind, key, at } = found;
    if (kind === 'stray') throw new ConversationsSyntaxError('expected "["', at);
    log.openLane(key);
    if (kind === 'list') continue;
    const { json, end } = found;
    const index = identities.nextIndex(key);
    const { exchange, raw } = checked(json, at, `exchange ${index + 1} of ${JSON.stringify(key)}`);
    const id = identities.idOf(key, index, exchange);
    const session = key === ANONYMOUS ? exchange.session : undefined;
    const { timestamp, name, verified, cleared } = exchange;
    yield {
      id,
      key,
      session,
      name,
      verified,
      cleared,
      timestamp,
      json: rewritten(json, id, exchange, raw),
      at,
      end,
    };
  }
}

/**
 * Puts what was read per visitor into one order of arrival: by time, but never against the order in which a
 * visitor's own exchanges stand, whatever their clocks said.
 */
const byArrival = (exchanges: readonly InFile[]): InFile[] => {
  const latest = new Map<string, number>();
  const times = Float64Array.from(exchanges, ({ key, timestamp }) => {
    const time = Math.max(timestamp, latest.get(key) ?? Number.NEGATIVE_INFINITY);
    latest.set(key, time);
    return time;
  });
  const order = Uint32Array.from(exchanges.keys()).sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0) || a - b);
  return Array.from(order, (place) => exchanges[place]).filter((one) => one !== undefined);
};

/** Reads a file into memory of its own, which can be given back before the garbage collector comes by. */
const readWhole = async (path: string): Promise<Buffer> => {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const text = Buffer.allocUnsafeSlow(size);
    let length = 0;
    for (let read = -1; read !== 0 && length < size; length += read) {
      read = (await handle.read(text, length, size - length)).bytesRead;
    }
    return text.subarray(0, length);
  } finally {
    await handle.close();
  }
};

const parse = (text: Buffer): LiveLog => {
  const log = new LiveLog();
  if (text.length === 0) return log;
  for (const one of byArrival([...exchangesIn(text, log)])) {
    log.add({ ...one, json: one.json ?? text.subarray(one.at, one.end) });
  }
  return log;
};

/** conversations.json, for lowdb: read and checked as a whole, written in slices, never seen half-written. */
export class LogFile implements Adapter<LiveLog> {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * @returns null where there is no file.
   * @throws Error that names the file and the place where it is not valid JSON or of another shape.
   */
  async read(): Promise<LiveLog | null> {
    let text: Buffer;
    try {
      text = await readWhole(this.#path);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return null;
      throw new Error(`The log ${this.#path} cannot be read.`, { cause: error });
    }
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof ConversationsSyntaxError)) throw error;
      const place = `${this.#path}, line ${lineOf(text, error.at)}`;
      throw new Error(
        `The log is not valid (${place}): ${error.message}. Mend it or move it away; it is not touched.`,
        { cause: error },
      );
    } finally {
      giveBack(text);
    }
  }

  /** Writes what has arrived until now. */
  async write(log: LiveLog): Promise<void> {
    await replaceFile(this.#path, LOG_MODE, conversationsText(log.lanes(), log.nextSeq));
  }
}
