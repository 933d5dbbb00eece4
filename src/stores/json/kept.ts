import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { visitorKey } from '../../chat/model.ts';
import type { Logger } from '../../chat/ports.ts';
import { errnoOf } from '../../log-file/durable-file.ts';
import { ConversationsSyntaxError } from '../../log-file/find-conversations.ts';
import { logKey } from '../../log-file/log-fields.ts';
import { type LogReader, openLogReader, syntaxFault } from '../../log-file/log-reader.ts';
import { Identities } from '../../log-file/older-form.ts';
import { checked } from './log-file.ts';
import type { JournalRecord } from './records.ts';
import { replayParts } from './replay.ts';
import { placesIn } from './snapshot-writer.ts';
import { readState } from './state-file.ts';

/** An exchange that a data folder holds. */
export interface KeptExchange {
  readonly id: string;
  readonly key: string;
  readonly user: string;
  /** Seconds since 1970, as it stands there. */
  readonly timestamp: number;
  /** Bytes that it takes in its file, about; undefined where it is in the archive. */
  readonly liveBytes: number | undefined;
}

/** Exchanges looked at before the event loop has a turn. */
const YIELD_EVERY = 1000;

const unlessMissing = async <T>(found: Promise<T>, otherwise: T): Promise<T> =>
  found.catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return otherwise;
    throw error;
  });

function* exchangesIn(reader: LogReader, isLive: boolean): Generator<KeptExchange> {
  const identities = new Identities();
  for (const found of reader.pass()) {
    if (found.kind === 'list') continue;
    const { key, json, at, end } = found;
    if (found.kind === 'stray') throw new ConversationsSyntaxError('expected "["', at);
    const index = identities.nextIndex(key);
    const { exchange } = checked(json, at, `exchange ${index + 1} of ${JSON.stringify(key)}`);
    const { user, timestamp } = exchange;
    const id = identities.idOf(key, index, exchange);
    yield { id, key, user, timestamp, liveBytes: isLive ? end - at : undefined };
  }
}

const readFileOf = async (
  path: string,
  isLive: boolean,
  each: (exchange: KeptExchange) => void,
): Promise<void> => {
  const reader = openLogReader(path);
  try {
    // An empty file counts as a log without exchanges.
    if (reader.size === 0) return;
    let count = 0;
    for (const one of exchangesIn(reader, isLive)) {
      each(one);
      if (++count % YIELD_EVERY === 0) await setImmediate();
    }
  } catch (error) {
    if (!(error instanceof ConversationsSyntaxError)) throw error;
    throw new Error(`The log ${path} is not valid: ${syntaxFault(reader, error)}`, { cause: error });
  } finally {
    reader.close();
  }
};

const journaled = (record: JournalRecord): KeptExchange | undefined => {
  if (record.type === 'exchange') {
    const { id, user, timestamp } = record.exchange;
    const liveBytes = Buffer.byteLength(JSON.stringify(record.exchange));
    return { id, key: logKey(record.visitor), user, timestamp, liveBytes };
  }
  if (record.type !== 'imported') return undefined;
  const { id, user, timestamp, raw } = record.exchange;
  return { id, key: record.key, user, timestamp, liveBytes: Buffer.byteLength(JSON.stringify(raw)) };
};

/**
 * Reads what a data folder holds, wherever it stands, without changing anything. An exchange that is on its way
 * from one file to another is met twice.
 * @returns The visitorKeys of all who have a thread.
 * @throws Error that names the file which cannot be read or is not valid.
 */
export const readKept = async (
  dir: string,
  each: (exchange: KeptExchange) => void,
  logger: Logger,
): Promise<Set<string>> => {
  const places = placesIn(dir);
  const archived = await unlessMissing(readdir(places.archive), []);
  for (const name of archived.filter((one) => one.endsWith('.json'))) {
    await readFileOf(join(places.archive, name), false, each);
  }
  await unlessMissing(readFileOf(places.log, true, each), undefined);
  const state = await readState(places.state).catch((error: unknown) => {
    // One that makes no sense is moved aside when the store opens: then no thread is known.
    if ((errnoOf(error) ?? 'ENOENT') === 'ENOENT') return undefined;
    throw error;
  });
  const threads = new Set(Array.from(state?.threads ?? [], ([visitor]) => visitor));
  const apply = (record: JournalRecord): void => {
    const exchange = journaled(record);
    if (exchange) each(exchange);
    if (record.type !== 'thread') return;
    if (record.thread) threads.add(visitorKey(record.visitor));
    else threads.delete(visitorKey(record.visitor));
  };
  // From the first part that is there: what is in the files too does no harm.
  await unlessMissing(replayParts(places.journal, 0, apply, logger), undefined);
  return threads;
};
