import type { Logger } from '../../chat/ports.ts';
import { readConnectionSettings } from './connection-settings.ts';
import { connect, type Database } from './database.ts';
import { prepare } from './starting.ts';
import { defaultTuning } from './tuning.ts';

/** Indexing a large document takes longer than any statement of a turn, and searches must not wait for it. */
const STATEMENT_MS = 60_000;
const CONNECTIONS = 4;

/** Connections for the index of documents, apart from those of the turns. */
export interface DocumentsDatabase {
  /** @throws AppError `log_unavailable` where the database cannot be asked. */
  readonly run: Database['ask'];
  /** @throws As `run`; nothing is done then. */
  readonly transaction: Database['transaction'];
  readonly close: () => Promise<void>;
}

/** Connects to the database and the schema of the store. @param deps.url As `DATABASE_URL` takes it. */
export const connectForDocuments = async (deps: {
  readonly url: string;
  /** As `DATABASE_SCHEMA` takes it. */
  readonly schema?: string | undefined;
  readonly logger: Logger;
}): Promise<DocumentsDatabase> => {
  const tuning = {
    ...defaultTuning,
    connections: CONNECTIONS,
    statementMs: STATEMENT_MS,
    silenceMs: 1.2 * STATEMENT_MS,
  };
  const { schema, logger } = deps;
  const given = await readConnectionSettings(deps.url);
  const { settings } = await prepare({ settings: given, schema, wait: 0, tuning, logger });
  const database = connect({ settings, tuning, logger });
  return {
    run: database.ask,
    transaction: database.transaction,
    close: () => database.close(tuning.closeMs),
  };
};
