import { forEachEntry, type Pass } from '../log-file/check-log.ts';
import type { LogReader } from '../log-file/log-reader.ts';
import type { LogRow } from '../log-file/log-row.ts';
import { type LoggedExchange, rowOfLogged } from '../log-file/read-log.ts';
import type { KnownExchanges } from './known-exchanges.ts';

/** What an import does, or would do, with a log that was checked. */
export interface ImportCounts {
  /** Exchanges that the store had already. */
  known: number;
  added: number;
}

/** Exchanges that are written at once, and their places in their lists. */
export interface ImportBatch {
  readonly exchanges: LogRow[];
  readonly times: number[];
  /** Ids of users whom the site had verified, as the log says. */
  readonly verified: string[];
}

/** What goes into one write: enough that the disk's syncs cost little. */
const BATCH_EXCHANGES = 500;
const BATCH_CHARS = 256 * 1024;

/** Finds what is not in the store yet and hands it on. */
const forEachNew = async (
  reader: LogReader,
  known: KnownExchanges,
  pass: Pass,
  each: (exchange: LoggedExchange, id: string) => Promise<void> | undefined,
): Promise<ImportCounts> => {
  const counts = { known: 0, added: 0 };
  await forEachEntry(reader, pass, (entry) => {
    if (entry.kind !== 'exchange') return undefined;
    const id = known.newIdFor(entry);
    if (id === undefined) {
      counts.known++;
      return undefined;
    }
    counts.added++;
    return each(entry, id);
  });
  return counts;
};

/** Says what {@link importLog} would do. */
export const countNew = (reader: LogReader, known: KnownExchanges, pass: Pass): Promise<ImportCounts> =>
  forEachNew(reader, known, pass, () => undefined);

/**
 * Takes a log over into the store. When this fails or is stopped, what was written until then stays; run again,
 * it goes on there.
 * @throws What reading and writing throw; the signal's reason.
 */
export const importLog = async (
  reader: LogReader,
  known: KnownExchanges,
  pass: Pass,
  write: (batch: ImportBatch) => Promise<void>,
): Promise<ImportCounts> => {
  let batch: ImportBatch = { exchanges: [], times: [], verified: [] };
  let chars = 0;
  const flush = (): Promise<void> => {
    const full = batch;
    batch = { exchanges: [], times: [], verified: [] };
    chars = 0;
    return write(full);
  };
  const counts = await forEachNew(reader, known, pass, (exchange, id) => {
    const row = rowOfLogged(exchange, id);
    batch.exchanges.push(row);
    batch.times.push(exchange.time);
    // With its exchange in one write: else a kill in between would tell it to whoever sends the id.
    if (row.visitor?.startsWith('v:')) batch.verified.push(row.visitor.slice(2));
    chars += row.user.length + (row.bot?.length ?? 0) + (row.more?.length ?? 0);
    return batch.exchanges.length < BATCH_EXCHANGES && chars < BATCH_CHARS ? undefined : flush();
  });
  if (batch.exchanges.length > 0) await flush();
  return counts;
};
