import { randomUUID } from 'node:crypto';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore, type SqliteStore } from '../../../src/stores/sqlite/sqlite-store.ts';
import type { Tuning } from '../../../src/stores/sqlite/tuning.ts';
import { exchange, user } from '../../helpers/exchanges.ts';
import type { StoreUnderTest } from '../contract/store-under-test.ts';
import { storeContract } from '../store-contract.ts';
import { clock, memoryLogger } from './helper.ts';

const place = async (
  tuning: Partial<Tuning>,
  leave: (store: SqliteStore, dir: string, nextDir: string) => Promise<string>,
  prepare: (dir: string) => Promise<unknown> = async () => undefined,
): Promise<StoreUnderTest> => {
  const root = await mkdtemp(join(tmpdir(), 'thread-proxy-store-'));
  const open = (dir: string): Promise<SqliteStore> =>
    openSqliteStore({ dir, maxBytes: 64_000_000, clock, logger: memoryLogger(), tuning });
  let dir = join(root, 'data');
  await prepare(dir);
  let current = await open(dir);
  const opened = [current];
  return {
    store: current,
    async reopen() {
      dir = await leave(current, dir, join(root, randomUUID()));
      current = await open(dir);
      opened.push(current);
      return current;
    },
    async dispose() {
      await Promise.all(opened.map((store) => store.close()));
      await rm(root, { recursive: true });
    },
  };
};

storeContract('the SQLite store, closed and opened', () =>
  place({}, async (store, dir) => {
    await store.close();
    return dir;
  }),
);

// What the folder holds while nothing is written is what a SIGKILL at that moment leaves.
const asAfterCrash = async (store: SqliteStore, dir: string, nextDir: string): Promise<string> => {
  await store.finish(exchange(user('whoever made the notes durable')));
  await cp(dir, nextDir, { recursive: true });
  return nextDir;
};

storeContract('the SQLite store, cut off', () => place({ smallWaitMs: 1e6 }, asAfterCrash));

storeContract('the SQLite store, where the file system has no write-ahead logging', () =>
  place(
    {},
    async (store, dir) => {
      await store.close();
      return dir;
    },
    // Where the shared memory would be.
    (dir) => mkdir(join(dir, 'thread-proxy.db-shm'), { recursive: true }),
  ),
);
