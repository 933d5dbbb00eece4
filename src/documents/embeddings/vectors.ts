import { Worker } from 'node:worker_threads';
import type { DocumentIndex, NearPassage } from '../index/index-port.ts';
import type { VectorReply, VectorTask } from './vector-worker.ts';

/** Vectors that are read from the index at a time. */
const PAGE = 500;
/** Where so many more vectors are held than the index still has, they are read anew. */
const STALE_SHARE = 1.2;

/** The vectors of a model in memory, in a thread of their own, as the index has them. */
export interface Vectors {
  search(query: Float32Array, limit: number): Promise<readonly NearPassage[]>;
  close(): Promise<void>;
}

/** Reads a model's vectors when they are first searched, and what is new before each search. */
export const createVectors = (index: DocumentIndex, model: string): Vectors => {
  let worker: Worker | undefined;
  const waiting = new Map<number, PromiseWithResolvers<VectorReply>>();
  let count = 0;
  let after = 0;
  let held = 0;
  let version: number | undefined;
  let reading: Promise<void> | undefined;

  const post = (task: VectorTask): void => worker?.postMessage(task);
  const start = (): void => {
    worker = new Worker(new URL('./vector-worker.ts', import.meta.url));
    worker.on('message', (reply: VectorReply) => {
      waiting.get(reply.n)?.resolve(reply);
      waiting.delete(reply.n);
    });
    worker.on('error', (thrown) => {
      for (const { reject } of waiting.values()) reject(thrown);
      waiting.clear();
      worker = undefined;
    });
    after = 0;
    held = 0;
    version = undefined;
  };

  /** Adds what is new in the index. */
  const read = async (): Promise<void> => {
    const now = await index.version();
    if (now === version) return;
    const there = (await index.models()).find((one) => one.model === model)?.vectors ?? 0;
    for (;;) {
      const page = await index.vectors(model, after, PAGE);
      if (page.length > 0)
        post({ type: 'add', ids: page.map(({ id }) => id), vectors: page.map(({ vector }) => vector) });
      held += page.length;
      after = page.at(-1)?.seq ?? after;
      if (page.length < PAGE) break;
    }
    version = now;
    if (held <= there * STALE_SHARE + PAGE) return;
    post({ type: 'clear' });
    after = 0;
    held = 0;
    version = undefined;
    await read();
  };

  return {
    search: async (query, limit) => {
      if (!worker) start();
      reading ??= read().finally(() => {
        reading = undefined;
      });
      await reading;
      count += 1;
      const reply = Promise.withResolvers<VectorReply>();
      waiting.set(count, reply);
      post({ type: 'search', n: count, query, limit });
      return (await reply.promise).near;
    },
    close: async () => {
      await worker?.terminate();
      worker = undefined;
    },
  };
};
