import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openMovingStore } from '../../../src/stores/postgres/moving/moving.ts';
import { readByKey } from '../../../src/stores/postgres/moving/read-exchanges.ts';
import { exchange, message, user } from '../../helpers/exchanges.ts';
import { pgbouncer, startPgbouncer } from '../../helpers/pgbouncer.ts';
import { startPostgres, type TestPostgres } from '../../helpers/postgres.ts';
import { eventually, memoryLogger } from '../sqlite/helper.ts';
import { accepted, answered, connectTo, never, openStore, quick, unavailable } from './helper.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.dispose());

const alice = user('alice');
const why = pgbouncer === undefined ? ' (skipped: there is no pgbouncer on this machine)' : '';

/** Goes through all that the store does, over two stores and at once. */
const everything = async (url: string): Promise<void> => {
  const [here, there] = [await openStore(url, { tuning: quick }), await openStore(url, { tuning: quick })];
  const day = { day: '2026-10-13', limit: 1000 };
  const all = Array.from({ length: 60 }, (_, index) => message(user(`visitor ${index % 20}`)));
  await Promise.all(
    all.map(async (one, index) => {
      const store = index % 2 === 0 ? here : there;
      expect((await store.countCall('address', 60_000)).count).toBeGreaterThan(0);
      const begun = await store.accept({ ...one, key: `key ${index}` }, day);
      if (begun.type !== 'accepted') throw new Error(begun.type);
      await begun.mayRun(never);
      await store.finish(answered(one));
    }),
  );
  expect(await here.countMessage(day.day)).toBe(61);
  for (let index = 0; index < 20; index++)
    expect(await there.recent(user(`visitor ${index}`), { limit: 5 })).toHaveLength(3);
  await here.clear(user('visitor 0'), true);
  expect(await there.recent(user('visitor 0'), { limit: 5 })).toEqual([]);
  const cut = message(alice);
  await accepted(here, cut);
  await here.close();
  expect(await eventually(async () => (await there.interrupted())[0])).toEqual(cut);
};

describe.skipIf(pgbouncer === undefined)(`PgBouncer in transaction mode${why}`, () => {
  test('needs no setting of its own: what it refuses is found out at the start', async () => {
    const url = await startPgbouncer(await server.newDatabase());
    const logger = memoryLogger();
    await openStore(url, { logger });
    expect(logger.lines).toContain('info: a pooler is in front of the database: sessions are not relied on');
    await everything(url);
  });

  test('may be told to ignore what it does not know', async () => {
    const ignore_startup_parameters = 'statement_timeout,search_path,extra_float_digits,options';
    const url = await startPgbouncer(await server.newDatabase(), { ignore_startup_parameters });
    await everything(url);
  });

  test('can be announced in the URL, and hands on a search path', async () => {
    const url = new URL(await startPgbouncer(await server.newDatabase()));
    url.searchParams.set('pgbouncer', 'true');
    url.searchParams.set('search_path', 'mine');
    await everything(url.href);
  });

  test('leaves nothing behind on a server connection: neither settings nor prepared statements', async () => {
    const url = await startPgbouncer(await server.newDatabase(), { default_pool_size: '1' });
    const store = await openStore(url, { tuning: { ...quick, connections: 1 } });
    const one = exchange(alice);
    await store.accept(one);
    await store.finish(one);
    // Over the one server connection that all share.
    const plain = postgres(url, { max: 1, prepare: false, fetch_types: false, onnotice: () => undefined });
    onTestFinished(() => plain.end());
    const [left] = await plain.unsafe(
      `select current_setting('statement_timeout') as timeout, current_setting('search_path') as path,
        (select count(*)::integer from pg_prepared_statements where from_sql or name <> '') as prepared`,
    );
    expect(left).toEqual({ timeout: '0', path: '"$user", public', prepared: 0 });
  });

  test('does not stop statements from having their time limit', async () => {
    const direct = await server.newDatabase();
    const url = await startPgbouncer(direct);
    const store = await openStore(url, { tuning: { ...quick, statementMs: 300 } });
    await store.accept(message(alice));
    const sql = connectTo(direct);
    await sql.begin(async (own) => {
      await own`select from tp_visitors where key = 'u:alice' for update`;
      // Long before silenceMs, after which the connection would be given up.
      await expect(store.accept(message(alice))).rejects.toMatchObject(unavailable);
    });
    await store.accept(message(alice));
  });

  test('lets a move and an export through', async () => {
    const url = await startPgbouncer(await server.newDatabase());
    const mover = await openMovingStore({ url, wait: 0, logger: memoryLogger() });
    onTestFinished(() => mover.close());
    await mover.begin('./data');
    const rows = [{ id: 'older-1', visitor: 'u:alice', user: 'Hi', bot: 'Ho', timestamp: 1 }];
    await mover.add({ exchanges: rows }, '1');
    await mover.complete();
    const read = [];
    for await (const page of readByKey({ url, wait: 0, logger: memoryLogger() })) read.push(...page);
    expect(read).toEqual(rows);
  });
});
