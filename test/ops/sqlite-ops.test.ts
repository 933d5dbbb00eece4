import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openSqliteOps } from '../../src/ops/sqlite/sqlite-ops-store.ts';
import { openSqliteStore } from '../../src/stores/sqlite/sqlite-store.ts';
import type { OpsUnderTest } from './contract/ops-under-test.ts';
import { opsStoreContract } from './ops-store-contract.ts';

const quiet = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** Whether the bytes of a text are in any file below a folder. */
export const isInFolder = async (dir: string, text: string): Promise<boolean> => {
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = await readFile(path.join(entry.parentPath, entry.name));
    if (bytes.includes(text)) return true;
  }
  return false;
};

const open = async (): Promise<OpsUnderTest> => {
  const dir = await mkdtemp(path.join(tmpdir(), 'thread-proxy-ops-'));
  const openAt = async () => {
    const store = await openSqliteStore({
      dir,
      maxBytes: 64_000_000,
      clock: { now: () => Date.now() },
      logger: quiet,
    });
    const ops = await openSqliteOps(store);
    return {
      store,
      ops,
      rate: async (id: string, feedback: Parameters<typeof store.setFeedback>[2]) => {
        const exchange = await ops.opsExchange(id);
        if (exchange) await store.setFeedback(id, exchange.visitor, feedback);
      },
      close: async () => {
        ops.stop();
        await store.close();
      },
    };
  };
  let current = await openAt();
  return {
    ...current,
    reopen: async () => {
      await current.close();
      current = await openAt();
      return current;
    },
    keeps: (text) => isInFolder(dir, text),
    dispose: async () => {
      await current.close();
      await rm(dir, { recursive: true });
    },
  };
};

opsStoreContract('the SQLite store, for operators', open);
