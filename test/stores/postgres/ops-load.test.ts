import { expect, onTestFinished, test } from 'vitest';
import { message, user } from '../../helpers/exchanges.ts';
import { startPostgres } from '../../helpers/postgres.ts';
import { accepted, answered, connectTo, openStore } from './helper.ts';

test('operators’ reads take one processor: no query of theirs has parallel workers', async () => {
  // Of a server that gives all that it has to every query of a large table.
  const server = await startPostgres({
    settings: { parallel_setup_cost: '0', parallel_tuple_cost: '0', min_parallel_table_scan_size: '1MB' },
  });
  onTestFinished(() => server.dispose());
  const url = await server.newDatabase();
  const store = await openStore(url);
  const one = message(user('ada'));
  await accepted(store, one);
  await store.finish(answered(one));
  const sql = connectTo(url);
  await sql`
    insert into tp_exchanges (id, visitor, place, said, answer, at, folded)
    select 'id-' || i, 'u:ada', i, 'Hi', repeat('Yes ', 100), i, 'hi ' || i from generate_series(1, 20000) as i`;
  await sql`analyze`;
  const launched = async () => {
    const [row] = await sql`
      select sum(parallel_workers_launched)::integer as count from pg_stat_database where datname = current_database()`;
    return row?.count;
  };
  const search = async () => {
    await store.ops.exchanges({ words: ['hi 19999'] }, { limit: 5 });
    await store.ops.conversations({ words: ['nothing'] }, { limit: 5 });
    await store.ops.overview([0, 1_000, 100_000]);
  };
  await sql`select count(*) from tp_exchanges where folded like '%19999%'`;
  await sql`select pg_stat_force_next_flush()`;
  // What is asked here from now on has none.
  await sql`set max_parallel_workers_per_gather = 0`;
  const byOthers = await launched();
  expect(byOthers).toBeGreaterThan(0);
  await search();
  // Its sessions tell what they did when they end.
  await store.close();
  expect(await launched()).toBe(byOthers);
}, 120_000);
