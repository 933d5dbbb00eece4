import type { Logger } from '../../chat/ports.ts';
import { readConnectionSettings } from './connection-settings.ts';
import { connect } from './database.ts';
import type { Sql } from './driver.ts';
import { asUnavailable } from './failures.ts';
import { prepare } from './starting.ts';
import { defaultTuning } from './tuning.ts';

/** Indexing a large document takes longer than any statement of a turn, and searches must not wait for it. */
const STATEMENT_MS = 60_000;
const CONNECTIONS = 4;

/** Connections for the index of documents, apart from those of the turns. */
export interface DocumentsDatabase {
  /** @throws AppError `log_unavailable` where the database cannot be asked. */
  readonly run: <T>(statement: (sql: Sql) => PromiseLike<T>) => Promise<T>;
  /** Runs several statements in one transaction. @throws As `run`. */
  readonly transaction: <T>(work: (sql: Sql) => Promise<T>) => Promise<T>;
  readonly close: () => Promise<void>;
}

/**
 * Connects to the database of the store; its schema is first in the search path.
 * @param url As `DATABASE_URL` takes it.
 * @param options.schema DATABASE_SCHEMA, where it is set.
 * @param options.wait Milliseconds that a database is waited for that is not there yet.
 */
export const connectForDocuments = async (
  url: string,
  logger: Logger,
  options: { schema?: string | undefined; wait?: number } = {},
): Promise<DocumentsDatabase> => {
  const tuning = {
    ...defaultTuning,
    connections: CONNECTIONS,
    statementMs: STATEMENT_MS,
    silenceMs: 1.2 * STATEMENT_MS,
  };
  const { schema, wait = 0 } = options;
  const given = await readConnectionSettings(url);
  const { settings } = await prepare({ settings: given, schema, wait, tuning: defaultTuning, logger });
  const database = connect({ settings, tuning, logger });
  return {
    run: database.ask,
    transaction: (work) =>
      database.transaction(work).catch((thrown: unknown) => {
        throw asUnavailable(thrown);
      }),
    close: () => database.close(tuning.closeMs),
  };
};
