import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { message, user } from '../../helpers/exchanges.ts';
import { startPostgres, type TestPostgres } from '../../helpers/postgres.ts';
import { eventually } from '../sqlite/helper.ts';
import { answered, connectTo, isWell, openBehindProxy, openStore, quick, unavailable } from './helper.ts';

let server: TestPostgres;
beforeAll(async () => {
  // It need not wait for the disk: what a killed server has written the host still has.
  server = await startPostgres();
});
afterEach(async () => {
  // A test that fails leaves the server as it was at that moment.
  server.thaw();
  await server.start();
});
afterAll(() => server.dispose());

const alice = user('alice');

describe('a database that hangs', () => {
  test('is noticed, and messages that it may have accepted in the meantime are undone', async () => {
    const url = await server.newSchema();
    const store = await openStore(url, { tuning: { ...quick, silenceMs: 300, connectMs: 300 } });
    const [before, cut] = [message(alice), message(alice)];
    await store.accept(before);
    server.freeze();
    const beginning = store.accept({ ...cut, key: 'key' });
    const finishing = store.finish(answered(before));
    await expect(beginning).rejects.toMatchObject(unavailable);
    await eventually(() => !store.health().ok);
    await expect(store.accept(cut)).rejects.toMatchObject(unavailable);
    server.thaw();
    await finishing;
    await isWell(store);
    await eventually(async () => (await store.unfinished(cut.id)) === undefined);
    const begun = await store.accept({ ...message(alice), key: 'key' });
    expect(begun.type).toBe('accepted');
    if (begun.type === 'accepted') await begun.mayRun(AbortSignal.timeout(2000));
  });

  test('for one statement lets the others go on, and refuses what would wait too long', async () => {
    const url = await server.newSchema();
    const tuning = { ...quick, connections: 3, maxQueued: 2, statementMs: 400, queueMs: 200 };
    const store = await openStore(url, { tuning, maxWaiting: 10 });
    await store.accept(message(alice));
    const sql = connectTo(url);
    const held = Promise.withResolvers<void>();
    const locked = Promise.withResolvers<void>();
    const holding = sql.begin(async (own) => {
      await own`select from tp_visitors where key = 'u:alice' for update`;
      locked.resolve();
      await held.promise;
    });
    await locked.promise;
    const slow = expect(store.accept(message(alice))).rejects.toMatchObject(unavailable);
    await store.accept(message(user('bob')));
    expect(store.health()).toEqual({ ok: true });
    const many = Array.from({ length: 30 }, () => store.clear(alice, true));
    const settled = await Promise.allSettled(many);
    const refused = settled.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(30);
    await slow;
    held.resolve();
    await holding;
    await isWell(store);
    const begun = await store.accept(message(alice));
    expect(begun.type).toBe('accepted');
  });
});

describe('a database that can only be read', () => {
  test('is known as such while it is read, and is left as soon as another stands in its place', async () => {
    const url = await server.newDatabase();
    const lines: string[] = [];
    const say = (_: object, line: string): void => void lines.push(line);
    const logger = { debug: () => undefined, info: say, warn: say, error: say };
    const store = await openStore(url, { tuning: quick, logger });
    const one = message(alice);
    await store.accept(one);
    const name = new URL(url).pathname.slice(1);
    const sql = postgres(server.url, { max: 1, onnotice: () => undefined });
    onTestFinished(() => sql.end());
    await sql.unsafe(`alter database ${name} set default_transaction_read_only = on`);
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`;
    const finishing = store.finish(answered(one));
    await eventually(() => /read-only/.test(JSON.stringify(store.health())));
    lines.length = 0;
    for (let round = 0; round < 20; round++) {
      expect(await store.recent(alice, { limit: 1 })).toEqual([]);
      expect(store.health()).toMatchObject({ ok: false });
    }
    await expect(store.accept(message(alice))).rejects.toMatchObject(unavailable);
    expect(lines).toEqual([]);
    // What is connected already stays as it is, as with a server whose place another has taken.
    await sql.unsafe(`alter database ${name} reset default_transaction_read_only`);
    await finishing;
    await isWell(store);
    expect(await store.recent(alice, { limit: 1 })).toEqual([answered(one)]);
  });
});

describe('a database that is not there any more', () => {
  test('costs those who ask for something no more than the answer that it is not', async () => {
    // To connect takes longer than the test.
    const tuning = { silenceMs: 200, connectMs: 60_000, closeMs: 100 };
    const { store, proxy } = await openBehindProxy(server, tuning);
    proxy.mode = 'swallow';
    await expect(store.recent(alice, { limit: 1 })).rejects.toMatchObject(unavailable);
    const until = performance.now() + 10 * quick.retryMs;
    await eventually(() => performance.now() > until);
    await expect(store.recent(alice, { limit: 1 })).rejects.toMatchObject(unavailable);
    await expect(store.countCall('address', 1000)).rejects.toMatchObject(unavailable);
  });
});

describe('a database that takes no more connections', () => {
  test('is asked over those that there are', async () => {
    const url = new URL(await server.newSchema());
    const schema = url.searchParams.get('search_path');
    const sql = postgres(server.url, { max: 1, onnotice: () => undefined });
    onTestFinished(() => sql.end());
    await sql.unsafe(`create role few login password 'few' connection limit 4`);
    await sql.unsafe(`alter schema ${schema} owner to few`);
    url.username = url.password = 'few';
    const store = await openStore(url.href, { tuning: quick });
    const visitors = Array.from({ length: 40 }, (_, index) => message(user(`${index}`)));
    await Promise.all(visitors.map((one) => store.accept(one)));
    await Promise.all(visitors.map((one) => store.finish(answered(one))));
    expect(store.health()).toEqual({ ok: true });
    expect(await store.visitors({ limit: 100 })).toHaveLength(40);
  });
});
