import type { Logger } from '../../chat/ports.ts';
import { readTarget } from './connection-settings.ts';
import { connect } from './database.ts';
import type { Sql } from './driver.ts';
import { defaultTuning } from './tuning.ts';

/** Indexing a large document takes longer than any statement of a turn, and searches must not wait for it. */
const STATEMENT_MS = 60_000;
const CONNECTIONS = 4;

/** Connections for the index of documents, apart from those of the turns. */
export interface DocumentsDatabase {
  /** @throws AppError `log_unavailable` where the database cannot be asked. */
  readonly run: <T>(statement: (sql: Sql) => PromiseLike<T>) => Promise<T>;
  readonly close: () => Promise<void>;
}

/** Connects to the database of the store. @param url As `DATABASE_URL` takes it. */
export const connectForDocuments = async (url: string, logger: Logger): Promise<DocumentsDatabase> => {
  const tuning = {
    ...defaultTuning,
    connections: CONNECTIONS,
    statementMs: STATEMENT_MS,
    silenceMs: 1.2 * STATEMENT_MS,
  };
  const database = connect({ target: await readTarget(url), tuning, logger });
  return { run: database.ask, close: () => database.close(tuning.closeMs) };
};
