import { Worker } from 'node:worker_threads';
import type { DocumentIndex } from './index-port.ts';
import type { IndexCall, IndexReply } from './sqlite-worker.ts';

/**
 * Opens the index in a SQLite file, in a thread of its own. Any number of processes may open it at once.
 * @param extension Module that brings sqlite-vec, used where it is installed.
 * @throws Error where it cannot be opened.
 */
export const openSqliteIndex = async (file: string, extension = 'sqlite-vec'): Promise<DocumentIndex> => {
  const worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), {
    workerData: { file, extension },
  });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let count = 0;
  let gone: Error | undefined;
  const end = (reason: Error): void => {
    gone ??= reason;
    for (const { reject } of waiting.values()) reject(reason);
    waiting.clear();
  };
  worker.on('error', (thrown) => end(thrown instanceof Error ? thrown : new Error(String(thrown))));
  worker.on('exit', () => end(new Error('the index of documents is closed')));
  worker.on('message', (reply: IndexReply) => {
    const call = waiting.get(reply.n);
    waiting.delete(reply.n);
    if ('failure' in reply) call?.reject(new Error(reply.failure));
    else call?.resolve(reply.result);
  });
  const opened = Promise.withResolvers<unknown>();
  waiting.set(0, opened);
  await opened.promise;

  /** Forwards a method to the thread; its result is that of the same method there. */
  const forward =
    <M extends keyof DocumentIndex>(method: M) =>
    async (...args: Parameters<DocumentIndex[M]>): Promise<Awaited<ReturnType<DocumentIndex[M]>>> => {
      if (gone) throw gone;
      count += 1;
      const call = Promise.withResolvers<unknown>();
      waiting.set(count, call);
      worker.postMessage({ n: count, method, args } satisfies IndexCall);
      return (await call.promise) as Awaited<ReturnType<DocumentIndex[M]>>;
    };

  return {
    put: forward('put'),
    touch: forward('touch'),
    remove: forward('remove'),
    sources: forward('sources'),
    passages: forward('passages'),
    passagesOf: forward('passagesOf'),
    languages: forward('languages'),
    knownTerms: forward('knownTerms'),
    byWords: forward('byWords'),
    unembedded: forward('unembedded'),
    putVectors: forward('putVectors'),
    vectors: forward('vectors'),
    nearestBy: forward('nearestBy'),
    prepareNearest: forward('prepareNearest'),
    nearest: forward('nearest'),
    models: forward('models'),
    dropModel: forward('dropModel'),
    version: forward('version'),
    close: async () => {
      if (gone) return;
      await forward('close')();
      await worker.terminate();
    },
  };
};
