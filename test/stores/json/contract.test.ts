import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JsonStore, openJsonStore } from '../../../src/stores/json/json-store.ts';
import type { Tuning } from '../../../src/stores/json/tuning.ts';
import { exchange, type StoreUnderTest, storeContract, user } from '../store-contract.ts';
import { clock, memoryLogger } from './helper.ts';

const place = async (
  tuning: Partial<Tuning>,
  leave: (store: JsonStore, dir: string, nextDir: string) => Promise<string>,
): Promise<StoreUnderTest> => {
  const root = await mkdtemp(join(tmpdir(), 'thread-proxy-store-'));
  const open = (dir: string): Promise<JsonStore> =>
    openJsonStore({ dir, maxBytes: 64_000_000, clock, logger: memoryLogger(), tuning });
  let dir = join(root, 'data');
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

storeContract('the JSON store, closed and opened', () =>
  place({}, async (store, dir) => {
    await store.close();
    return dir;
  }),
);

// What the folder holds at a moment is what a SIGKILL at that moment leaves.
const asAfterCrash = async (store: JsonStore, dir: string, nextDir: string): Promise<string> => {
  await store.finish(exchange(user('whoever made the notes durable')));
  await cp(dir, nextDir, { recursive: true });
  return nextDir;
};

storeContract('the JSON store, cut off before any snapshot', () => place({ smallWaitMs: 1e6 }, asAfterCrash));

storeContract('the JSON store, cut off between snapshots, in many journal parts', () =>
  place({ smallWaitMs: 1e6, partBytes: 400 }, async (store, dir, nextDir) => {
    await store.snapshot();
    return asAfterCrash(store, dir, nextDir);
  }),
);
