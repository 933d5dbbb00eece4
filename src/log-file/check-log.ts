import { setImmediate } from 'node:timers/promises';
import { ConversationsSyntaxError } from './find-conversations.ts';
import { ANONYMOUS } from './log-fields.ts';
import type { FilePlace, LogReader } from './log-reader.ts';
import type { LogRow } from './log-row.ts';
import {
  type Entry,
  type LogFault,
  type LoggedExchange,
  type ReadOptions,
  readLog,
  rowOfLogged,
} from './read-log.ts';

/** What a log holds. */
export interface LogCounts {
  users: number;
  exchanges: number;
  /** Exchanges of visitors without a name. */
  anonymous: number;
  /** Exchanges without an answer. */
  failed: number;
  /** Exchanges whose time is in milliseconds, or finer. */
  inMilliseconds: number;
  /** Things that are no exchange, and were left out. */
  invalid: number;
  /** The first of them, each with its place. */
  faults: readonly string[];
}

/** What a pass is told and tells. */
export interface Pass extends ReadOptions {
  readonly signal: AbortSignal;
  /** @param share How much of the file was read, 0 to 1. */
  onProgress(share: number): void;
  /** What is no exchange is counted and left out, instead of standing against all. */
  readonly skipInvalid?: boolean;
}

const MAX_FAULTS = 20;
/** Entries looked at before the event loop, and with it a signal, has its turn. */
const YIELD_EVERY = 1000;

/** A log that cannot be taken over. The message names the file and every fault (the first 20). */
export class LogFaults extends Error {
  override readonly name = 'LogFaults';
  readonly path: string;
  /** Each with its place. */
  readonly faults: readonly string[];
  constructor(path: string, faults: readonly string[], more = 0) {
    const all = more > 0 ? [...faults, `… and ${more} more`] : faults;
    super(`${path} cannot be taken over:\n${all.map((fault) => `  ${fault}`).join('\n')}`);
    this.path = path;
    this.faults = all;
  }
}

/** Somebody wrote to the file while it was read: the older system, most likely. */
export class LogChanged extends Error {
  override readonly name = 'LogChanged';
  constructor({ path }: LogReader) {
    super(`${path} was changed while it was read. Stop what writes to it (or copy it) and try again.`);
  }
}

const placed = ({ line, column }: FilePlace, what: string): string =>
  `line ${line}, column ${column}: ${what}`;

/**
 * Runs through a log, entry by entry.
 * @throws LogFaults with the place where it is not JSON; LogChanged; the signal's reason.
 */
export const forEachEntry = async (
  reader: LogReader,
  { signal, onProgress, undated }: Pass,
  each: (entry: Entry) => Promise<void> | undefined,
): Promise<void> => {
  let count = 0;
  try {
    for (const entry of readLog(reader, undated === undefined ? {} : { undated })) {
      const work = each(entry);
      if (work) await work;
      if (++count % YIELD_EVERY > 0) continue;
      await setImmediate();
      signal.throwIfAborted();
      onProgress(reader.position / reader.size);
    }
    if (reader.hasChanged()) throw new LogChanged(reader);
  } catch (error) {
    if (reader.hasChanged()) throw new LogChanged(reader);
    if (!(error instanceof ConversationsSyntaxError)) throw error;
    throw new LogFaults(reader.path, [placed(reader.placesOf([error.at])(error.at), error.message)]);
  }
};

/**
 * Checks all of a log and counts what is in it.
 * @param each Called with what is right so far.
 * @throws LogFaults that lists what stands against taking it over; with `skipInvalid` only what is no list of anything.
 */
export const checkLog = async (
  reader: LogReader,
  pass: Pass,
  each?: (exchange: LoggedExchange, row: LogRow) => void,
): Promise<LogCounts> => {
  const counts = { users: 0, exchanges: 0, anonymous: 0, failed: 0, inMilliseconds: 0 };
  const found: LogFault[] = [];
  let invalid = 0;
  const told = (): string[] => {
    const placeOf = reader.placesOf(found.map(({ at }) => at));
    return found.map(({ at, path, message }) => placed(placeOf(at), path ? `${path}: ${message}` : message));
  };
  try {
    await forEachEntry(reader, pass, (entry) => {
      if (entry.kind === 'user') counts.users += entry.isNew ? 1 : 0;
      if (entry.kind === 'fault' && ++invalid <= MAX_FAULTS) found.push(entry);
      if (entry.kind !== 'exchange') return undefined;
      const { key, stored, timestamp } = entry;
      counts.exchanges++;
      if (key === ANONYMOUS) counts.anonymous++;
      if (stored.bot === null) counts.failed++;
      if (stored.timestamp !== timestamp) counts.inMilliseconds++;
      if (invalid === 0 || pass.skipInvalid) each?.(entry, rowOfLogged(entry));
      return undefined;
    });
  } catch (error) {
    if (!(error instanceof LogFaults)) throw error;
    throw new LogFaults(reader.path, [...told(), ...error.faults], invalid - found.length);
  }
  if (invalid > 0 && !pass.skipInvalid) throw new LogFaults(reader.path, told(), invalid - found.length);
  return { ...counts, invalid, faults: told() };
};
