import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { closeToOthers, makePrivate } from '../../private-file.ts';
import { createSqliteIndex, type SyncIndex } from './sqlite-index.ts';
import { createSqliteNearest, loadSqliteVec } from './sqlite-vec.ts';

/** A call of one of the index's methods, from the main thread. */
export interface IndexCall {
  readonly n: number;
  readonly method: keyof SyncIndex;
  readonly args: readonly unknown[];
}

export type IndexReply =
  | { readonly n: number; readonly result: unknown }
  | { readonly n: number; readonly failure: string };

/** How long a write waits for another process's. */
const BUSY_MS = 30_000;

const { file, extension } = z.object({ file: z.string(), extension: z.string() }).parse(workerData);
// SQLite gives the files that it puts beside it the same mode.
makePrivate(file);
for (const end of ['-wal', '-shm']) closeToOthers(`${file}${end}`);
const db = new DatabaseSync(file, { timeout: BUSY_MS, allowExtension: true });
db.exec(
  'pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = -65536; pragma mmap_size = 268435456;',
);
const index: SyncIndex = {
  ...createSqliteIndex(db),
  ...createSqliteNearest(db, await loadSqliteVec(db, extension)),
};

parentPort?.on('message', ({ n, method, args }: IndexCall) => {
  const call: (...args: never[]) => unknown = index[method];
  try {
    const reply: IndexReply = { n, result: Reflect.apply(call, undefined, args) };
    parentPort?.postMessage(reply);
  } catch (thrown) {
    const failure: IndexReply = { n, failure: thrown instanceof Error ? thrown.message : String(thrown) };
    parentPort?.postMessage(failure);
  }
  if (method === 'close') parentPort?.close();
});
// Tells that it is open.
parentPort?.postMessage({ n: 0, result: undefined } satisfies IndexReply);
