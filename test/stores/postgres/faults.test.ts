import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { AcceptedMessage, Exchange } from '../../../src/chat/model.ts';
import type { PostgresStore } from '../../../src/stores/postgres/postgres-store.ts';
import { startPostgres, type TestPostgres } from '../../helpers/postgres.ts';
import { startProxy, type TcpProxy } from '../../helpers/tcp-proxy.ts';
import { eventually } from '../sqlite/helper.ts';
import { exchange, message, user } from '../store-contract.ts';
import { openStore, quick } from './helper.ts';

let server: TestPostgres;
beforeAll(async () => {
  // It need not wait for the disk: what a killed server has written the host still has.
  server = await startPostgres();
});
afterEach(async () => {
  server.thaw();
});
afterAll(() => server.dispose());

const alice = user('alice');
const answered = (one: AcceptedMessage): Exchange => ({ ...one, bot: 'Yes' });
const unavailable = { code: 'log_unavailable' };
const never = new AbortController().signal;

/** A store that reaches its database through a proxy. */
const openBehindProxy = async (
  tuning = {},
): Promise<{ store: PostgresStore; proxy: TcpProxy; url: string }> => {
  const url = await server.newSchema();
  const proxy = await startProxy(server.port);
  const there = new URL(url);
  there.port = `${proxy.port}`;
  return { store: await openStore(there.href, { tuning: { ...quick, ...tuning } }), proxy, url };
};

/**
 * For tests that lose the answer to one statement: it is asked over the one connection that there is, and nothing else
 * is. The test asks it once before, so that it goes as a whole: the driver asks for its types first.
 */
const alone = { connections: 1, beatMs: 60_000 };

const isWell = (store: PostgresStore) => eventually(() => store.health().ok);

describe('a database that stops', () => {
  test.each(['fast', 'immediate', 'kill'] as const)(
    'takes no messages meanwhile; answers that are there already are kept, and written when it is back (%s)',
    async (mode) => {
      const store = await openStore(await server.newSchema(), { tuning: quick });
      const [before, cut, next] = [exchange(alice), message(alice), message(alice)];
      await store.accept(before);
      await store.finish(before);
      await store.accept(cut);
      await server.stop(mode);
      const finishing = store.finish(answered(cut));
      await expect(store.accept(message(alice))).rejects.toMatchObject(unavailable);
      await eventually(() => !store.health().ok);
      expect(store.health()).toMatchObject({ reason: expect.stringMatching(/ECONN|closed the connection/) });
      await expect(store.recent(alice, { limit: 5 })).rejects.toMatchObject(unavailable);
      await expect(store.countMessage('2026-10-13')).rejects.toMatchObject(unavailable);
      await server.start();
      await finishing;
      await isWell(store);
      expect(await store.recent(alice, { limit: 5 })).toEqual([answered(cut), before]);
      const begun = await store.accept(next);
      if (begun.type === 'accepted') await begun.mayRun(never);
      await store.finish(answered(next));
    },
  );

  test('kills no process by being away', async () => {
    const url = await server.newSchema();
    const here = await openStore(url, { tuning: quick });
    const there = await openStore(url, { tuning: quick });
    const one = message(alice);
    await here.accept(one);
    await server.stop('immediate');
    const until = performance.now() + 2 * quick.deadMs;
    await eventually(() => performance.now() > until);
    await server.start();
    await isWell(there);
    expect(await there.interrupted()).toEqual([]);
    await here.finish(answered(one));
    expect(await there.exchange(one.id)).toEqual(answered(one));
  });

  test('fills the memory up to a bound', async () => {
    const store = await openStore(await server.newSchema(), {
      tuning: { ...quick, maxPendingBytes: 2000 },
    });
    const [one, two] = [message(alice), message(user('bob'))];
    await store.accept(one);
    await store.accept(two);
    await server.stop('immediate');
    const finishing = store.finish(answered(one));
    await expect(store.finish({ ...two, bot: 'x'.repeat(2000) })).rejects.toMatchObject(unavailable);
    await server.start();
    await finishing;
    // Else the visitor's next message would wait for it for ever.
    const cut: AcceptedMessage[] = [];
    await eventually(async () => cut.push(...(await store.interrupted())) > 0);
    expect(cut).toEqual([two]);
    await store.finish({ ...two, bot: null, error: 'internal_error' });
    const next = message(user('bob'));
    const begun = await store.accept(next);
    if (begun.type === 'accepted') await begun.mayRun(AbortSignal.timeout(5_000));
    await store.finish(answered(next));
  });

  test('is not waited for when the store closes', async () => {
    const store = await openStore(await server.newSchema(), { tuning: { ...quick, closeMs: 100 } });
    const one = message(alice);
    await store.accept(one);
    await server.stop('immediate');
    const finishing = store.finish(answered(one));
    const refused = expect(finishing).rejects.toMatchObject(unavailable);
    await store.close();
    await refused;
    await server.start();
  });

  test('loses nothing that was acknowledged, however often its power is cut, and keeps it once', async () => {
    const store = await openStore(await server.newSchema(), { tuning: quick, maxWaiting: 100 });
    const acknowledged: Exchange[] = [];
    let isOver = false;
    const talk = async (name: string): Promise<void> => {
      while (!isOver) {
        const one = message(user(name));
        try {
          const begun = await store.accept(one);
          if (begun.type === 'accepted') await begun.mayRun(never);
          await store.finish(answered(one));
          acknowledged.push(answered(one));
        } catch {
          await eventually(() => isOver || store.health().ok);
        }
      }
    };
    const visitors = ['a', 'b', 'c', 'd'];
    const talks = visitors.map(talk);
    for (let round = 0; round < 3; round++) {
      const enough = acknowledged.length + 20;
      await eventually(() => acknowledged.length > enough);
      await server.stop('kill');
      await server.start();
    }
    isOver = true;
    await Promise.all(talks);
    for (const name of visitors) {
      const log = await store.recent(user(name), { limit: 10_000 });
      const said = acknowledged.filter(({ visitor }) => visitor.id === name);
      expect(log.toReversed()).toEqual(said);
      // What was cut off in being taken holds up nobody.
      const begun = await store.accept(message(user(name)));
      expect(begun.type).toBe('accepted');
      if (begun.type === 'accepted') await begun.mayRun(AbortSignal.timeout(2000));
    }
  });
});

describe('a database that hangs', () => {
  test('is noticed, and what it may have taken in the meantime is taken back', async () => {
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
    const sql = postgres(url, { max: 1, onnotice: () => undefined });
    onTestFinished(() => sql.end());
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
    const { store, proxy } = await openBehindProxy(tuning);
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

describe('a connection that is cut', () => {
  test('in the middle of taking a message: it was not taken, even where the database has done it', async () => {
    const { store, proxy } = await openBehindProxy(alone);
    await store.accept({ ...message(user('bob')), key: 'of bob' });
    const one = { ...message(alice), key: 'key' };
    proxy.mode = 'cut-answer';
    await expect(store.accept(one)).rejects.toMatchObject(unavailable);
    proxy.mode = 'pass';
    await isWell(store);
    await eventually(async () => (await store.unfinished(one.id)) === undefined);
    const begun = await eventually(() =>
      store.accept({ ...message(alice), key: 'key' }).catch(() => undefined),
    );
    expect(begun.type).toBe('accepted');
    if (begun.type === 'accepted') await begun.mayRun(AbortSignal.timeout(2000));
    expect(await store.interrupted()).toEqual([]);
  });

  test('in the middle of taking over what another left: it is given to somebody all the same', async () => {
    const { store, proxy, url } = await openBehindProxy(alone);
    expect(await store.interrupted()).toEqual([]);
    const other = await openStore(url, { tuning: quick });
    const one = message(alice);
    await other.accept(one);
    await other.close();
    proxy.mode = 'cut-answer';
    await expect(store.interrupted()).rejects.toMatchObject(unavailable);
    proxy.mode = 'pass';
    await isWell(store);
    expect(await store.interrupted()).toEqual([one]);
    expect(await store.interrupted()).toEqual([]);
    await store.finish({ ...one, bot: null, error: 'internal_error' });
    const begun = await store.accept(message(alice));
    if (begun.type === 'accepted') await begun.mayRun(AbortSignal.timeout(2000));
  });

  test('in the middle of writing an exchange: it is there, once', async () => {
    const { store, proxy } = await openBehindProxy(alone);
    const before = message(user('bob'));
    await store.accept(before);
    await store.finish(answered(before));
    const one = message(alice);
    await store.accept(one);
    proxy.mode = 'cut-answer';
    const finishing = store.finish(answered(one));
    await eventually(() => !store.health().ok);
    proxy.mode = 'pass';
    await finishing;
    expect(await store.recent(alice, { limit: 5 })).toEqual([answered(one)]);
    expect(await store.visitors({ limit: 5 })).toMatchObject([
      { key: 'u:alice', messages: 1 },
      { messages: 1 },
    ]);
  });

  test('is made again, all of them at once and again and again', async () => {
    const { store, proxy } = await openBehindProxy();
    for (let round = 0; round < 10; round++) {
      await Promise.all(
        Array.from({ length: 30 }, (_, index) => store.recent(user(`${index}`), { limit: 1 })),
      );
      proxy.cut();
      await Promise.allSettled(Array.from({ length: 30 }, (_, index) => store.fact(`${index}`)));
      await eventually(() => store.recent(alice, { limit: 1 }).catch(() => undefined));
    }
    await isWell(store);
    await Promise.all(Array.from({ length: 100 }, () => store.recent(alice, { limit: 1 })));
    expect(proxy.open()).toBeLessThanOrEqual(11);
  });

  test('by silence is noticed', async () => {
    const { store, proxy } = await openBehindProxy({ silenceMs: 200, connectMs: 200 });
    proxy.mode = 'swallow';
    await expect(store.recent(alice, { limit: 1 })).rejects.toMatchObject(unavailable);
    await eventually(() => !store.health().ok);
    proxy.mode = 'pass';
    await isWell(store);
    expect(await store.recent(alice, { limit: 1 })).toEqual([]);
  });
});
