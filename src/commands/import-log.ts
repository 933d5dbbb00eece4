import { forEachEntry, type Pass } from '../log-file/check-log.ts';
import type { LogReader } from '../log-file/log-reader.ts';
import type { OlderExchange } from '../log-file/read-log.ts';
import { asOlder } from '../log-file/read-log.ts';
import type { JsonStore } from '../stores/json/json-store.ts';
import type { ArchiveForecast } from './archive-forecast.ts';
import type { KnownExchanges } from './known-exchanges.ts';

/** What an import does, or would do, with a log that was checked. */
export interface ImportCounts {
  /** Exchanges that the store had already. */
  known: number;
  taken: number;
}

/** What goes into one write: enough that the disk's syncs cost little. */
const BATCH_BYTES = 128 * 1024;

/** Finds what is not in the store yet and hands it on. */
const forEachNew = async (
  reader: LogReader,
  known: KnownExchanges,
  pass: Pass,
  each: (exchange: OlderExchange) => Promise<void> | undefined,
): Promise<ImportCounts> => {
  const counts = { known: 0, taken: 0 };
  await forEachEntry(reader, pass, (entry) => {
    if (entry.kind !== 'exchange') return undefined;
    const id = known.newIdFor(entry);
    if (id === undefined) {
      counts.known++;
      return undefined;
    }
    counts.taken++;
    return each(asOlder(entry, id));
  });
  return counts;
};

/** Says what {@link importLog} would do. */
export const countNew = (
  reader: LogReader,
  known: KnownExchanges,
  pass: Pass,
  forecast: ArchiveForecast,
): Promise<ImportCounts> =>
  forEachNew(reader, known, pass, ({ timestamp, json }) => {
    forecast.add(timestamp, Buffer.byteLength(json));
    return undefined;
  });

/**
 * Takes a log over into the store. When this fails or is stopped, what was written until then stays; run again,
 * it goes on there.
 * @throws What reading and writing throw; the signal's reason.
 */
export const importLog = async (
  reader: LogReader,
  known: KnownExchanges,
  pass: Pass,
  store: JsonStore,
): Promise<ImportCounts> => {
  let batch: OlderExchange[] = [];
  let bytes = 0;
  const write = (): Promise<void> => {
    const full = batch;
    batch = [];
    bytes = 0;
    return store.takeOver(full);
  };
  const counts = await forEachNew(reader, known, pass, (exchange) => {
    batch.push(exchange);
    bytes += Buffer.byteLength(exchange.json);
    return bytes < BATCH_BYTES ? undefined : write();
  });
  if (batch.length > 0) await write();
  return counts;
};
