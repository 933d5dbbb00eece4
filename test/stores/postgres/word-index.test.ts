import { randomUUID } from 'node:crypto';
import type postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { fold } from '../../../src/ops/fold.ts';
import type { PostgresStore } from '../../../src/stores/postgres/postgres-store.ts';
import { startDatabases, type TestDatabases } from '../../helpers/postgres.ts';
import { eventually, memoryLogger } from '../sqlite/helper.ts';
import { connectTo, openStore, quick } from './helper.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
});
afterAll(() => databases.dispose());

const tuning = { ...quick, cleanupMs: 20, indexFrom: 50 };
const TEXTS = ['Ein Zebra!', '50% of it', '500 of it', 'a\\b_c', 'ab', '送料はいくらですか', 'Größe XL'];

/** Exchanges with these texts, among many others. */
const fill = async (sql: postgres.Sql, texts: readonly string[]): Promise<void> => {
  const rows = [...texts, ...Array.from({ length: 100 }, (_, n) => `Number ${n} of many`)];
  for (const said of rows)
    await sql`insert into tp_exchanges (id, visitor, place, said, answer, at, folded)
      values (${randomUUID()}, 'u:ada', 1, ${said}, 'Yes', 60, ${fold(said)})`;
  await sql`analyze tp_exchanges`;
};

const found = async ({ ops }: PostgresStore, word: string): Promise<string[]> => {
  const { rows } = await ops.exchanges({ words: [fold(word)] }, { limit: 200 });
  return rows.map(({ user }) => user);
};

const indexed = (sql: postgres.Sql): Promise<unknown> =>
  eventually(
    async () =>
      (await sql`select from pg_index where indexrelid = to_regclass('tp_exchanges_words') and indisvalid`)
        .length === 1,
  );

describe('the index of words', () => {
  test('is made where there are many exchanges, and finds what a look at all texts finds', async () => {
    const url = await databases.newDatabase();
    const logger = memoryLogger();
    const store = await openStore(url, { tuning, logger });
    const sql = connectTo(url);
    await fill(sql, TEXTS);
    await indexed(sql);
    await eventually(() => logger.lines.includes('info: searches use an index now'));
    const expected = { zebra: 0, '50%': 1, 'a\\b_c': 3, ab: 4, 送料は: 5, grosse: 6 };
    for (const [word, at] of Object.entries(expected))
      expect(await found(store, word), word).toEqual([TEXTS[at]]);
    expect(await found(store, 'zebras')).toEqual([]);
    expect(await found(store, 'of many')).toHaveLength(100);
    // What comes after it was made is found at once, and what is gone is not.
    await sql`insert into tp_exchanges (id, visitor, place, said, answer, at, folded)
      values ('late', 'u:ada', 1, 'A late quagga', 'Yes', 61, 'a late quagga')`;
    expect(await found(store, 'quagga')).toEqual(['A late quagga']);
    await sql`delete from tp_exchanges where id = 'late'`;
    expect(await found(store, 'quagga')).toEqual([]);
  });

  test('answers the search that the store asks', async () => {
    const url = await databases.newDatabase();
    const store = await openStore(url, { tuning });
    const sql = connectTo(url);
    await fill(sql, TEXTS);
    await indexed(sql);
    const scans = async () => {
      const [row] = await sql`
        select pg_stat_clear_snapshot(), pg_stat_get_numscans(to_regclass('tp_exchanges_words')) as count`;
      return Number(row?.count);
    };
    // So many that to read them all costs more than to look the word up.
    await sql`insert into tp_exchanges (id, visitor, place, said, answer, at, folded)
      select gen_random_uuid()::text, 'u:ada', 1, 'more', 'Yes', 60, repeat(md5(n::text), 20)
      from generate_series(1, 5000) as n`;
    await sql`vacuum analyze tp_exchanges`;
    const before = await scans();
    await eventually(async () => {
      expect(await found(store, 'zebra')).toEqual(['Ein Zebra!']);
      return (await scans()) > before;
    });
  });

  test('is not made for a few exchanges', async () => {
    const url = await databases.newDatabase();
    await openStore(url, { tuning: { ...tuning, indexFrom: 1000 } });
    const sql = connectTo(url);
    await fill(sql, TEXTS);
    // A cleanup has run: what it clears last before the index is gone.
    await sql`insert into tp_facts (name, value, set_at)
      select 'fact ' || n, 'x', now() + n * interval '1 second' from generate_series(1, 1001) as n`;
    const facts = async () => (await sql`select from tp_facts where name = 'fact 1'`).length;
    await eventually(async () => (await facts()) === 0);
    await sql`insert into tp_facts (name, value, set_at) values ('fact 1', 'x', 'epoch')`;
    await eventually(async () => (await facts()) === 0);
    expect((await sql`select to_regclass('tp_exchanges_words') as it`)[0]?.it).toBeNull();
  });

  test('is made anew where its making was cut off', async () => {
    const url = await databases.newDatabase();
    const first = await openStore(url);
    const sql = connectTo(url);
    await fill(sql, TEXTS);
    await sql`create extension pg_trgm`;
    await sql`create index tp_exchanges_words on tp_exchanges using gin (folded gin_trgm_ops)`;
    // As a build leaves it that was cut off.
    await sql`update pg_index set indisvalid = false where indexrelid = to_regclass('tp_exchanges_words')`;
    expect(await found(first, 'zebra')).toEqual(['Ein Zebra!']);
    const second = await openStore(url, { tuning });
    await indexed(sql);
    expect(await found(second, 'zebra')).toEqual(['Ein Zebra!']);
  });

  test('is waited for by no one who closes the store', async () => {
    const url = await databases.newDatabase();
    const [store, sql, other] = [await openStore(url, { tuning }), connectTo(url), connectTo(url)];
    await fill(sql, TEXTS);
    const isHalfMade = async () =>
      (
        await sql`select from pg_index where indexrelid = to_regclass('tp_exchanges_words') and not indisvalid`
      ).length === 1;
    // What is not committed yet has to be waited for.
    await other.begin(async (own) => {
      await own`insert into tp_exchanges (id, visitor, place, said, answer, at, folded)
        values ('open', 'u:ada', 1, 'An open quagga', 'Yes', 61, 'an open quagga')`;
      await eventually(isHalfMade);
      const began = performance.now();
      await store.close();
      expect(performance.now() - began).toBeLessThan(2_000);
      expect(await isHalfMade()).toBe(true);
    });
    const next = await openStore(url, { tuning });
    await indexed(sql);
    expect(await found(next, 'quagga')).toEqual(['An open quagga']);
  });

  test('is done without where the account may not make the extension', async () => {
    const url = await databases.newDatabase();
    const sql = connectTo(url);
    await sql`select`;
    const account = `plain_${randomUUID().slice(0, 8)}`;
    await sql.unsafe(`create role ${account} login password 'plain'`);
    await sql.unsafe(`create schema ours authorization ${account}`);
    onTestFinished(async () => {
      await sql.unsafe(`drop owned by ${account} cascade`);
      await sql.unsafe(`drop role ${account}`);
    });
    const own = Object.assign(new URL(url), { username: account, password: 'plain' }).href;
    const logger = memoryLogger();
    const store = await openStore(own, { tuning, logger, schema: 'ours' });
    await sql`set search_path = ours`;
    await fill(sql, TEXTS);
    const told = () => logger.lines.filter((line) => line.includes('create extension pg_trgm'));
    await eventually(() => told().length > 0);
    expect(await found(store, 'zebra')).toEqual(['Ein Zebra!']);
    // The owner does as told.
    await sql`create extension pg_trgm with schema public`;
    await indexed(sql);
    expect(await found(store, 'zebra')).toEqual(['Ein Zebra!']);
    expect(told()).toHaveLength(1);
  });
});
