import { setImmediate } from 'node:timers/promises';
import { brokenAt } from '../assistant/json-place.ts';
import { ConversationsSyntaxError } from './find-conversations.ts';
import { ANONYMOUS } from './log-fields.ts';
import { type LogReader, syntaxFault } from './log-reader.ts';
import type { LogRow } from './log-row.ts';
import { BrokenExchange, type Entry, type LoggedExchange, readLog, rowOfLogged } from './read-log.ts';

/** What a log holds. */
export interface LogCounts {
  users: number;
  exchanges: number;
  /** Exchanges of visitors without a name. */
  anonymous: number;
  /** Exchanges without an answer. */
  failed: number;
  /** Exchanges whose time is in milliseconds. */
  inMilliseconds: number;
}

/** What a pass is told and tells. */
export interface Pass {
  readonly signal: AbortSignal;
  /** @param share How much of the file was read, 0 to 1. */
  onProgress(share: number): void;
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

/** Where in the file an exchange's text breaks. */
const placeInFile = (reader: LogReader, { json, at }: BrokenExchange): number => {
  const { line, column } = brokenAt(json);
  const before = json.split('\n').slice(0, line - 1);
  const start = before.reduce((chars, one) => chars + one.length + 1, 0);
  return Math.min(reader.size, at + Buffer.byteLength(json.slice(0, start + column - 1)));
};

/**
 * Runs through a log, entry by entry.
 * @throws LogFaults with the place where it is not JSON; LogChanged; the signal's reason.
 */
export const forEachEntry = async (
  reader: LogReader,
  { signal, onProgress }: Pass,
  each: (entry: Entry) => Promise<void> | undefined,
): Promise<void> => {
  let count = 0;
  try {
    for (const entry of readLog(reader)) {
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
    if (error instanceof ConversationsSyntaxError)
      throw new LogFaults(reader.path, [syntaxFault(reader, error)]);
    if (!(error instanceof BrokenExchange)) throw error;
    const at = placeInFile(reader, error);
    throw new LogFaults(reader.path, [syntaxFault(reader, new ConversationsSyntaxError(error.message, at))]);
  }
};

/**
 * Checks all of a log and counts what is in it.
 * @param each Called with what is right so far.
 * @throws LogFaults that lists what stands against taking it over.
 */
export const checkLog = async (
  reader: LogReader,
  pass: Pass,
  each?: (exchange: LoggedExchange, row: LogRow) => void,
): Promise<LogCounts> => {
  const counts: LogCounts = { users: 0, exchanges: 0, anonymous: 0, failed: 0, inMilliseconds: 0 };
  const faults: string[] = [];
  let more = 0;
  const add = (path: string, message: string): void => {
    if (faults.length < MAX_FAULTS) faults.push(`${path}: ${message}`);
    else more++;
  };
  await forEachEntry(reader, pass, (entry) => {
    if (entry.kind === 'fault') add(entry.path, entry.message);
    if (entry.kind === 'user') counts.users += entry.isNew ? 1 : 0;
    if (entry.kind !== 'exchange') return undefined;
    const { key, stored, timestamp } = entry;
    counts.exchanges++;
    if (key === ANONYMOUS) counts.anonymous++;
    if (stored.bot === null) counts.failed++;
    if (stored.timestamp !== timestamp) counts.inMilliseconds++;
    if (faults.length === 0) each?.(entry, rowOfLogged(entry));
    return undefined;
  });
  if (faults.length > 0) throw new LogFaults(reader.path, faults, more);
  return counts;
};
