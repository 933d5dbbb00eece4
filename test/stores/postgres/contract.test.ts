import { afterAll, beforeAll } from 'vitest';
import { openPostgresStore, type PostgresStore } from '../../../src/stores/postgres/postgres-store.ts';
import { startDatabases, type TestDatabases } from '../../helpers/postgres.ts';
import { storeContract } from '../store-contract.ts';
import { storeDeps } from './helper.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
});
afterAll(() => databases.dispose());

storeContract('the Postgres store', async () => {
  const url = await databases.newSchema();
  // The suite sends many messages of one visitor at once.
  const open = (): Promise<PostgresStore> => openPostgresStore(storeDeps(url, { maxWaiting: 1000 }));
  let current = await open();
  return {
    store: current,
    async reopen() {
      await current.close();
      current = await open();
      return current;
    },
    dispose: () => current.close(),
  };
});
