import { onTestFinished } from 'vitest';
import {
  openPostgresStore,
  type PostgresStore,
  type PostgresStoreDeps,
} from '../../../src/stores/postgres/postgres-store.ts';
import { clock, memoryLogger } from '../json/helper.ts';

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
