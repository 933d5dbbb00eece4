import type { Clock, Logger } from '../../../chat/ports.ts';
import type { OpsStore } from '../../../ops/ops-port.ts';
import type { Database } from '../database.ts';
import type { ThreadsAndFacts } from '../threads-and-facts.ts';
import { createErasureStore } from './erasure.ts';
import { createOpsCounts } from './ops-counts.ts';
import { createOutbox } from './outbox.ts';
import { createOpsReads } from './reads.ts';
import type { WordIndex } from './word-index.ts';

/**
 * What operators need of the database.
 * @param deps.database That of the turns, for what is quick.
 * @param deps.slow Connections of its own for what may take long.
 * @param deps.schema The schema of the tables.
 */
export const createOpsStore = (deps: {
  database: Database;
  slow: Database;
  schema: string;
  wordIndex: Pick<WordIndex, 'isReady'>;
  threads: Pick<ThreadsAndFacts, 'pendingThread' | 'drop'>;
  clock: Clock;
  logger: Logger;
}): OpsStore => {
  const { database, slow, schema, wordIndex, threads, clock, logger } = deps;
  return {
    ...createOpsReads({ database: slow, wordIndex, clock, logger }),
    ...createOpsCounts({ database }),
    ...createErasureStore({ database: slow, schema, threads }),
    ...createOutbox({ database }),
  };
};
