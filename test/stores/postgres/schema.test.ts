import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openPostgresStore } from '../../../src/stores/postgres/postgres-store.ts';
import { exchange, user } from '../../helpers/exchanges.ts';
import { startDatabases, type TestDatabases } from '../../helpers/postgres.ts';
import { memoryLogger } from '../sqlite/helper.ts';
import { openStore, storeDeps } from './helper.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
});
afterAll(() => databases.dispose());

/** A connection that sees the database as another application would. */
const plain = (url: string): postgres.Sql => {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  onTestFinished(() => sql.end());
  return sql;
};
/** The schemas that hold tables of ours, or of others. */
const tablesIn = async (sql: postgres.Sql): Promise<Record<string, number>> => {
  const rows = await sql<{ schema: string; count: number }[]>`
    select schemaname as schema, count(*)::integer as count from pg_tables
    where schemaname !~ '^pg_' and schemaname <> 'information_schema' group by 1 order by 1`;
  return Object.fromEntries(rows.map(({ schema, count }) => [schema, count]));
};
const otherApplication = async (): Promise<{ url: string; sql: postgres.Sql }> => {
  const url = await databases.newDatabase();
  const sql = plain(url);
  await sql`create table customers (id integer)`;
  await sql`create schema shop create table orders (id integer) create table items (id integer)`;
  return { url, sql };
};
const refusalOf = async (url: string, schema?: string): Promise<string> => {
  try {
    await (await openPostgresStore(storeDeps(url, { schema, wait: 60_000 }))).close();
  } catch (thrown) {
    return String(thrown);
  }
  throw new Error('it was opened');
};
const say = async (url: string, schema?: string): Promise<void> => {
  const store = await openPostgresStore(storeDeps(url, { schema }));
  const one = exchange(user('alice'));
  await store.accept(one);
  await store.finish(one);
  await store.close();
};
const said = async (url: string, schema?: string): Promise<number> =>
  (await (await openStore(url, { schema })).recent(user('alice'), { limit: 5 })).length;

describe('an empty database', () => {
  test('gets a schema of ours, and says so before', async () => {
    const url = await databases.newDatabase();
    const logger = memoryLogger();
    await openStore(url, { logger });
    expect(logger.lines[0]).toBe('info: making the tables of thread-proxy in a schema of their own');
    expect(Object.keys(await tablesIn(plain(url)))).toEqual(['thread_proxy']);
  });

  test('gets the schema that is named, by the setting or by the URL', async () => {
    const url = await databases.newDatabase();
    await openStore(url, { schema: 'one' });
    const inUrl = new URL(url);
    inUrl.searchParams.set('search_path', 'two');
    await openStore(inUrl.href);
    expect(Object.keys(await tablesIn(plain(url)))).toEqual(['one', 'two']);
    await say(url, 'one');
    expect([await said(url, 'one'), await said(url, 'two')]).toEqual([1, 0]);
  });
});

describe('a database of another application', () => {
  test('is not touched unless a schema is named, and the refusal says what would be done', async () => {
    const { url, sql } = await otherApplication();
    const before = await tablesIn(sql);
    const told = await refusalOf(url);
    expect(told).toContain('tables of another application (public: 1, shop: 2)');
    expect(told).toContain('DATABASE_SCHEMA=thread_proxy');
    expect(await tablesIn(sql)).toEqual(before);
    expect(await sql`select from pg_namespace where nspname = 'thread_proxy'`).toHaveLength(0);
  });

  test('is shared where a schema is named, of which we say at the start that we make it', async () => {
    const { url, sql } = await otherApplication();
    const logger = memoryLogger();
    await openStore(url, { schema: 'thread_proxy', logger });
    expect(logger.lines[0]).toBe('info: making the tables of thread-proxy in a schema of their own');
    expect(await tablesIn(sql)).toMatchObject({ public: 1, shop: 2, thread_proxy: expect.any(Number) });
    // From then on it is known by its tables.
    await say(url, 'thread_proxy');
    expect(await said(url)).toBe(1);
  });

  test('keeps its own schema to itself', async () => {
    const { url, sql } = await otherApplication();
    for (const schema of ['shop', 'public']) {
      expect(await refusalOf(url, schema)).toContain(
        `its schema ${schema} holds tables of another application`,
      );
    }
    expect(await tablesIn(sql)).toEqual({ public: 1, shop: 2 });
  });

  test('is not what an extension has brought along', async () => {
    const url = await databases.newDatabase();
    const sql = plain(url);
    await sql`create table spatial_ref_sys (id integer)`;
    // As if it belonged to an extension: those that make tables need not be installed for this test.
    await sql`
      insert into pg_depend (classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype)
      select 'pg_class'::regclass, 'spatial_ref_sys'::regclass, 0, 'pg_extension'::regclass, oid, 0, 'e'
      from pg_extension limit 1`;
    await openStore(url);
    expect(await tablesIn(sql)).toMatchObject({ thread_proxy: expect.any(Number) });
  });
});

describe('tables from before there was a schema of our own', () => {
  /** As they were made then: in the first schema of the search path. */
  const older = async (): Promise<string> => {
    const url = await databases.newDatabase();
    await say(url, 'public');
    return url;
  };

  test('are used where they are', async () => {
    const url = await older();
    const sql = plain(url);
    await sql`create table customers (id integer)`;
    expect(await said(url)).toBe(1);
    expect(Object.keys(await tablesIn(sql))).toEqual(['public']);
  });

  test('can be moved by hand, all at once, and are found there', async () => {
    const url = await older();
    await plain(url).unsafe('alter schema public rename to thread_proxy; create schema public');
    expect(await said(url)).toBe(1);
  });

  test('are warned of where another schema is named, which then begins empty', async () => {
    const url = await older();
    const logger = memoryLogger();
    const store = await openStore(url, { schema: 'mine', logger });
    expect(await store.recent(user('alice'), { limit: 5 })).toEqual([]);
    expect(logger.lines).toContain(
      'warn: the tables of thread-proxy in another schema of the database are not used',
    );
  });
});

describe('an account that may make nothing', () => {
  test('is told what its owner must do', async () => {
    const url = new URL(await databases.newDatabase());
    const sql = plain(url.href);
    const account = `plain_${Math.random().toString(36).slice(2)}`;
    await sql.unsafe(`create role ${account} login password 'plain'`);
    url.username = account;
    url.password = 'plain';
    const statement = `create schema "thread_proxy" authorization "${account}"`;
    expect(await refusalOf(url.href)).toContain(statement);
    await sql.unsafe(statement);
    await say(url.href);
    expect(await said(url.href)).toBe(1);
  });
});
