import { afterAll, beforeAll } from 'vitest';
import { openPostgresStore, type PostgresStore } from '../../../src/stores/postgres/postgres-store.ts';
import { startDatabases, type TestDatabases } from '../../helpers/postgres.ts';
import { opsStoreContract } from '../../ops/ops-store-contract.ts';
import { connectTo, storeDeps } from './helper.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
});
afterAll(() => databases.dispose());

opsStoreContract('the Postgres store, for operators', async () => {
  const url = await databases.newSchema();
  const open = (): Promise<PostgresStore> => openPostgresStore(storeDeps(url, { maxWaiting: 1000 }));
  let current = await open();
  const under = (store: PostgresStore) => ({
    store,
    ops: store.ops,
    rate: async (...[id, feedback]: [string, Parameters<PostgresStore['setFeedback']>[2]]) => {
      const rated = await store.ops.opsExchange(id);
      if (!rated || !(await store.setFeedback(id, rated.visitor, feedback)))
        throw new Error('it was not rated');
    },
  });
  return {
    ...under(current),
    async reopen() {
      await current.close();
      current = await open();
      return under(current);
    },
    async keeps(text) {
      const sql = connectTo(url);
      const tables = await sql`select tablename as name from pg_tables where schemaname = current_schema()`;
      for (const { name } of tables) {
        const found = await sql`select from ${sql(name)} t where strpos(t::text, ${text}) > 0 limit 1`;
        if (found.length > 0) return true;
      }
      return false;
    },
    dispose: () => current.close(),
  };
});
