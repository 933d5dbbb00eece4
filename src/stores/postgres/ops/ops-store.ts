import type { Clock } from '../../../chat/ports.ts';
import type { OpsStore } from '../../../ops/ops-port.ts';
import type { Database } from '../database.ts';
import type { ThreadsAndFacts } from '../threads-and-facts.ts';
import { createErasureStore } from './erasure.ts';
import { createOpsCounts } from './ops-counts.ts';
import { createOutbox } from './outbox.ts';
import { createOpsReads } from './reads.ts';

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
  threads: Pick<ThreadsAndFacts, 'pendingThread' | 'drop'>;
  clock: Clock;
}): OpsStore => {
  const { database, slow, schema, threads, clock } = deps;
  return {
    ...createOpsReads({ database: slow, clock }),
    ...createOpsCounts({ database }),
    ...createErasureStore({ database: slow, schema, threads }),
    ...createOutbox({ database }),
  };
};
