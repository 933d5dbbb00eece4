import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openPostgresStore } from '../../../src/stores/postgres/postgres-store.ts';
import { KNOWN_VERSION } from '../../../src/stores/postgres/schema.ts';
import { exchange, message, user } from '../../helpers/exchanges.ts';
import { startPostgres, type TestPostgres } from '../../helpers/postgres.ts';
import { eventually, memoryLogger } from '../sqlite/helper.ts';
import { connectTo, openStore, quick, storeDeps } from './helper.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.dispose());

const asking = (url: string): postgres.Sql => {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  onTestFinished(() => sql.end());
  return sql;
};
const withPath = (url: string, change: (url: URL) => void): string => {
  const changed = new URL(url);
  change(changed);
  return changed.href;
};
/** Opens a store that is expected to refuse. @returns Why. */
const refusal = async (url: string): Promise<string> => {
  try {
    await (await openPostgresStore(storeDeps(url, { wait: 60_000, tuning: quick }))).close();
  } catch (thrown) {
    return String(thrown);
  }
  throw new Error('it was opened');
};

describe('the tables', () => {
  test('are made once, however many processes start at the same moment', async () => {
    for (let round = 0; round < 2; round++) {
      const url = await server.newDatabase();
      const stores = await Promise.all(Array.from({ length: 8 }, () => openStore(url)));
      const versions = await connectTo(url)`select version from tp_schema_versions`;
      const all = Array.from({ length: KNOWN_VERSION }, (_, index) => ({ version: index + 1 }));
      expect([...versions]).toEqual(all);
      for (const store of stores) expect(await store.countMessage('2026-10-13')).toBeGreaterThan(0);
    }
  });

  test('of a newer release are not touched', async () => {
    const url = await server.newDatabase();
    await (await openPostgresStore(storeDeps(url))).close();
    await connectTo(url)`insert into tp_schema_versions (version) values (1000)`;
    expect(await refusal(url)).toContain(
      `version 1000, and this release of thread-proxy knows versions up to ${KNOWN_VERSION}.`,
    );
  });

  test('lie where the URL says, so that two sites can share a database', async () => {
    const url = await server.newDatabase();
    await asking(url)`create schema other`;
    const here = await openStore(url);
    const there = await openStore(withPath(url, (u) => u.searchParams.set('search_path', 'other')));
    await here.countMessage('2026-10-13');
    expect(await there.countMessage('2026-10-13')).toBe(1);
  });

  test('can be used behind a pooler, which knows no prepared statements', async () => {
    const url = withPath(await server.newSchema(), (u) => u.searchParams.set('pgbouncer', 'true'));
    const store = await openStore(url);
    const one = exchange(user('alice'));
    await store.accept({ ...one, key: 'key' });
    await store.finish(one);
    await store.clear(user('bob'), false);
    expect(await store.recent(one.visitor, { limit: 1 })).toEqual([one]);
  });

  test('can be used by an account that may not make any', async () => {
    const url = await server.newDatabase();
    await (await openPostgresStore(storeDeps(url))).close();
    const sql = asking(url);
    const account = `plain_${Math.random().toString(36).slice(2)}`;
    await sql.unsafe(`create role ${account} login password 'plain'`);
    const plain = withPath(url, (u) => {
      u.username = account;
      u.password = 'plain';
    });
    expect(await refusal(plain)).toContain(`grant usage on schema "thread_proxy" to "${account}"`);
    await sql.unsafe(`grant usage on schema thread_proxy to ${account}`);
    await sql.unsafe(
      `grant select, insert, update, delete on all tables in schema thread_proxy to ${account}`,
    );
    await sql.unsafe(`grant usage, select on all sequences in schema thread_proxy to ${account}`);
    const store = await openStore(plain);
    expect(await store.countMessage('2026-10-13')).toBe(1);
    expect(await store.accept(message(user('alice')), { day: '2026-10-13', limit: 10 })).toMatchObject({
      count: 2,
    });
  });
});

describe('a start', () => {
  test('fails at once, without telling the password, where the database does not let it in or is not there', async () => {
    const url = await server.newDatabase();
    const secret = 'wrong-pass%25word';
    const wrong = await refusal(withPath(url, (u) => (u.password = secret)));
    expect(wrong).toMatch(
      /^Error: The database 127\.0\.0\.1:\d+\/test_\w+ cannot be used: password authentication/,
    );
    const missing = await refusal(withPath(url, (u) => (u.pathname = '/nowhere')));
    expect(missing).toContain('database "nowhere" does not exist');
    expect(wrong).not.toContain('wrong-pass');
    expect(missing).not.toContain(new URL(url).password);
  });

  test.each([
    ['no url at all', 'no URL'],
    ['mysql://me:secret@localhost/x', 'postgres://'],
    ['postgres://me:se%cret@localhost/x', '%25'],
    ['postgres://:secret@localhost/x', 'no user'],
    ['postgres://me:secret@one,two/x', 'several hosts'],
    ['postgres://me:secret@localhost/x?sslmode=sometimes', 'sslmode'],
    ['postgres://me:secret@localhost/x?ssl=sometimes', 'ssl takes true or false'],
    // The pieces of an unescaped password would be taken for host, port, path or fragment.
    ['postgres://me:secret@secret/secret#secret@localhost/x', 'escaped'],
    ['postgres://me:secret/secret@localhost/x', 'escaped'],
    ['postgres://me:secret#secret@localhost/x', 'escaped'],
    ['postgres://me:secret?secret@localhost/x', 'escaped'],
    ['postgres://me:12/secret@localhost/x', 'escaped'],
    ['postgres://me:secret@localhost/x?sslrootcert=/nowhere.pem', '/nowhere.pem'],
  ])('says what is wrong with %s, and never repeats the password', async (url, why) => {
    const told = await refusal(url);
    expect(told).toContain(why);
    expect(told).not.toContain('secret');
  });

  test('gives up when the database was gone for too long, and names it', async () => {
    const url = withPath(server.url, (u) => (u.port = '1'));
    const open = openPostgresStore(storeDeps(url, { wait: 100, tuning: quick }));
    await expect(open).rejects.toThrow(
      /^The database 127\.0\.0\.1:1\/postgres cannot be reached: .*ECONNREFUSED/,
    );
  });
});

describe('a start before the database', () => {
  test('waits for it, and says so', async () => {
    const late = await startPostgres();
    onTestFinished(() => late.dispose());
    const url = await late.newDatabase();
    await late.stop('immediate');
    const logger = memoryLogger();
    const opening = openStore(url, { wait: 60_000, logger, tuning: { ...quick, tellMs: 10 } });
    await eventually(() => logger.lines.length >= 2);
    expect(logger.lines).toContain('warn: the database is not there yet; waiting for it');
    await late.start();
    expect(await (await opening).countMessage('2026-10-13')).toBe(1);
  });
});
