import { expect, onTestFinished, test } from 'vitest';
import { startDatabases } from '../../helpers/postgres.ts';
import { connectTo, openStore } from './helper.ts';

const DAY = 24 * 60 * 60;
const EDGES = [0, DAY, 2 * DAY];

test('an overview follows what somebody deletes by hand, from whatever schema', async () => {
  const databases = await startDatabases();
  onTestFinished(() => databases.dispose());
  const url = await databases.newSchema();
  const store = await openStore(url);
  const sql = connectTo(url);
  await sql`insert into tp_exchanges (id, visitor, place, said, answer, at) values ('one', 'u:ada', 1, 'Hi', 'Yes', 60),
    ('two', 'u:ada', 2, 'Hi', 'Yes', ${DAY + 60}), ('three', 'u:ada', 3, 'Hi', 'Yes', ${DAY + 61})`;
  const messages = async () => (await store.ops.overview(EDGES)).buckets.map((bucket) => bucket.messages);
  expect(await messages()).toEqual([1, 2]);
  const [row] = await sql`select current_schema() as name`;
  await sql.begin(async (own) => {
    await own`set local search_path = pg_catalog`;
    await own`delete from ${own(`${row?.name}.tp_exchanges`)} where id = 'three'`;
  });
  expect(await messages()).toEqual([1, 1]);
  await sql`delete from tp_exchanges where id = 'one'`;
  expect(await messages()).toEqual([0, 1]);
});
