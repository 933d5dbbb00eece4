/** The process with the embedded store, as the benches see it. */

import { join } from 'node:path';
import { startWorker } from './children.ts';

export interface StoreJob {
  readonly how: 'append' | 'append-during-snapshot' | 'watch' | 'settle';
  readonly exchanges: number;
  readonly writers: number;
  readonly snapshots: number;
}

export interface Appended {
  readonly exchanges: number;
  readonly ms: number;
}

/** What the event loop was like, in milliseconds. */
export interface Watched {
  readonly p99: number;
  readonly max: number;
  /** How long a snapshot took. */
  readonly snapshotMs: number;
}

/** Milliseconds for a job: the first one on a log of a million imports it. */
const WITHIN_MS = 600_000;

/** Writers at a time. */
const WRITERS = 32;

export const startStore = (dir: string) => {
  const worker = startWorker(join(import.meta.dirname, 'store-child.ts'), [dir]);
  const ask = (job: Partial<StoreJob> & Pick<StoreJob, 'how'>): Promise<unknown> =>
    worker.ask({ exchanges: 0, writers: WRITERS, snapshots: 1, ...job }, WITHIN_MS);
  return {
    // Only store-child.ts answers.
    append: async (exchanges: number) => (await ask({ how: 'append', exchanges })) as Appended,
    appendDuringSnapshot: async () => (await ask({ how: 'append-during-snapshot' })) as Appended,
    watch: async (snapshots: number) => (await ask({ how: 'watch', snapshots })) as Watched,
    /** Nothing is left to be written in the background. */
    settle: () => ask({ how: 'settle' }),
    stop: () => worker.stop(),
  };
};
