import { onTestFinished } from 'vitest';
import {
  openPostgresStore,
  type PostgresStore,
  type PostgresStoreDeps,
} from '../../../src/stores/postgres/postgres-store.ts';
import type { Tuning } from '../../../src/stores/postgres/tuning.ts';
import { clock, memoryLogger } from '../sqlite/helper.ts';

/** What the store of a test is opened with; each names only what it is about. */
export const storeDeps = (url: string, overrides: Partial<PostgresStoreDeps> = {}): PostgresStoreDeps => ({
  url,
  wait: 0,
  maxWaiting: 3,
  clock,
  logger: memoryLogger(),
  ...overrides,
});

/** Opens a store that is closed after the test, if it is not by then. */
export const openStore = async (
  url: string,
  overrides: Partial<PostgresStoreDeps> = {},
): Promise<PostgresStore> => {
  const store = await openPostgresStore(storeDeps(url, overrides));
  onTestFinished(() => store.close());
  return store;
};

/** Measures with which a dead process is found at once, so that tests need not wait for seconds. */
export const quick = {
  beatMs: 50,
  deadMs: 600,
  pollMs: 10,
  retryMs: 20,
  noteMs: 5,
} satisfies Partial<Tuning>;
