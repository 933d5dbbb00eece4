import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { fold } from '../../../src/ops/fold.ts';
import { openMovingStore } from '../../../src/stores/postgres/moving/moving.ts';
import type { PostgresStore } from '../../../src/stores/postgres/postgres-store.ts';
import { startDatabases, type TestDatabases } from '../../helpers/postgres.ts';
import { eventually, memoryLogger } from '../sqlite/helper.ts';
import { connectTo, openStore, quick } from './helper.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
});
afterAll(() => databases.dispose());

const tuning = { ...quick, cleanupMs: 20 };
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

const isThere = async (sql: postgres.Sql): Promise<boolean> => {
  const rows =
    await sql`select from pg_index where indexrelid = to_regclass('tp_exchanges_words') and indisvalid`;
  return rows.length > 0;
};

const insert = (sql: postgres.Sql, said: string) => sql`
  insert into tp_exchanges (id, visitor, place, said, answer, at, folded)
  values (${randomUUID()}, 'u:ada', 1, ${said}, 'Yes', 61, ${fold(said)})`;

/** So many that to read them all costs more than to look a word up. */
const fillMore = async (sql: postgres.Sql): Promise<void> => {
  await sql`
    insert into tp_exchanges (id, visitor, place, said, answer, at, folded)
    select gen_random_uuid()::text, 'u:ada', 1, 'more', 'Yes', 60, repeat(md5(n::text), 20)
    from generate_series(1, 5000) as n`;
  await sql`vacuum analyze tp_exchanges`;
};

const scans = async (sql: postgres.Sql): Promise<number> => {
  const [row] = await sql`
    select pg_stat_clear_snapshot(), pg_stat_get_numscans(to_regclass('tp_exchanges_words')) as count`;
  return Number(row?.count);
};

/** Searches until Postgres has counted a use of the index. */
const searchesByIndex = async (store: PostgresStore, sql: postgres.Sql): Promise<void> => {
  const before = await scans(sql);
  await eventually(async () => {
    expect(await found(store, 'zebra')).toEqual(['Ein Zebra!']);
    return (await scans(sql)) > before;
  });
};

describe('the index of words', () => {
  test('is there from the first start, and finds what a look at all texts finds', async () => {
    const url = await databases.newDatabase();
    const store = await openStore(url, { tuning });
    const sql = connectTo(url);
    expect(await isThere(sql)).toBe(true);
    await fill(sql, TEXTS);
    const expected = { zebra: 0, '50%': 1, 'a\\b_c': 3, ab: 4, 送料は: 5, grosse: 6 };
    for (const [word, at] of Object.entries(expected))
      expect(await found(store, word), word).toEqual([TEXTS[at]]);
    expect(await found(store, 'zebras')).toEqual([]);
    expect(await found(store, 'of many')).toHaveLength(100);
    await insert(sql, 'A late quagga');
    expect(await found(store, 'quagga')).toEqual(['A late quagga']);
    await sql`delete from tp_exchanges where said = 'A late quagga'`;
    expect(await found(store, 'quagga')).toEqual([]);
  });

  test('answers the search that the store asks', async () => {
    const url = await databases.newDatabase();
    const store = await openStore(url, { tuning });
    const sql = connectTo(url);
    await fill(sql, TEXTS);
    await fillMore(sql);
    await searchesByIndex(store, sql);
  });

  test('has new exchanges sorted in by the cleanup', async () => {
    const url = await databases.newDatabase();
    await openStore(url, { tuning });
    const sql = connectTo(url);
    await sql`create extension pageinspect`;
    const pending = async () => {
      const [row] =
        await sql`select n_pending_tuples as count from gin_metapage_info(get_raw_page('tp_exchanges_words', 0))`;
      return Number(row?.count);
    };
    await fill(sql, TEXTS);
    await eventually(async () => (await pending()) === 0);
  });

  test('is used without a restart once its owner has made it as the docs say', async () => {
    const url = await databases.newDatabase();
    const store = await openStore(url, { tuning });
    const sql = connectTo(url);
    await sql`drop index tp_exchanges_words`;
    await sql`drop extension pg_trgm`;
    await fill(sql, TEXTS);
    await fillMore(sql);
    expect(await found(store, 'zebra')).toEqual(['Ein Zebra!']);
    const docs = await readFile(path.join(import.meta.dirname, '../../../docs/scale.md'), 'utf8');
    const [, block = ''] = /```sql\n(create extension[^`]*)```/.exec(docs) ?? [];
    const [row] = await sql`select current_schema() as name`;
    await sql`set search_path = public`;
    for (const statement of block.split(';'))
      await sql.unsafe(statement.replace('thread_proxy.', `"${row?.name}".`));
    await sql`select set_config('search_path', ${String(row?.name)}, false)`;
    await searchesByIndex(store, sql);
  });

  test('is made anew at the end of a move', async () => {
    const url = await databases.newDatabase();
    const mover = await openMovingStore({ url, wait: 0, logger: memoryLogger() });
    onTestFinished(() => mover.close());
    const sql = connectTo(url);
    await mover.claim('elsewhere');
    await mover.wipe();
    expect(await isThere(sql)).toBe(false);
    await mover.complete();
    expect(await isThere(sql)).toBe(true);
  });

  test('is not made by a start on a long log, in which it would hold up everybody', async () => {
    const url = await databases.newDatabase();
    await (await openStore(url)).close();
    const sql = connectTo(url);
    await sql`drop index tp_exchanges_words`;
    await sql`
      insert into tp_exchanges (id, visitor, place, said, answer, at, folded)
      select n::text, 'u:ada', 1, 'more', 'Yes', 60, 'more' from generate_series(1, 10001) as n`;
    await sql`delete from tp_schema_versions where version = (select max(version) from tp_schema_versions)`;
    await (await openStore(url)).close();
    expect(await isThere(sql)).toBe(false);
    await sql`delete from tp_exchanges where id = '1'`;
    await sql`delete from tp_schema_versions where version = (select max(version) from tp_schema_versions)`;
    await openStore(url);
    expect(await isThere(sql)).toBe(true);
  });

  test('is done without where it is broken, or where the account may not make the extension', async () => {
    const url = await databases.newDatabase();
    const sql = connectTo(url);
    const account = `plain_${randomUUID().slice(0, 8)}`;
    await sql.unsafe(`create role ${account} login password 'plain'`);
    await sql.unsafe(`create schema ours authorization ${account}`);
    onTestFinished(async () => {
      await sql.unsafe(`drop owned by ${account} cascade`);
      await sql.unsafe(`drop role ${account}`);
    });
    const own = Object.assign(new URL(url), { username: account, password: 'plain' }).href;
    const store = await openStore(own, { tuning, schema: 'ours' });
    await sql`set search_path = ours`;
    expect(await isThere(sql)).toBe(false);
    await fill(sql, TEXTS);
    expect(await found(store, 'zebra')).toEqual(['Ein Zebra!']);
    // The owner of the database makes it, and it is the account's no more than the extension is.
    await sql`create extension pg_trgm with schema public`;
    await sql`create index tp_exchanges_words on tp_exchanges using gin (folded public.gin_trgm_ops)`;
    await sql`update pg_index set indisvalid = false where indexrelid = to_regclass('tp_exchanges_words')`;
    expect(await found(store, 'zebra')).toEqual(['Ein Zebra!']);
  });
});
