import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { message, user } from '../../helpers/exchanges.ts';
import { startPostgres, type TestPostgres } from '../../helpers/postgres.ts';
import { eventually } from '../sqlite/helper.ts';
import { answered, isWell, openBehindProxy, openStore, quick, unavailable } from './helper.ts';

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

/**
 * For tests that lose the answer to one statement: it is sent over the only connection, and nothing else is. The test
 * sends it once before, so that it goes as a whole: the driver asks for its types first.
 */
const alone = { connections: 1, beatMs: 60_000 };

describe('a connection that is cut', () => {
  test('while a message is being accepted: the message is refused, even if the database committed it', async () => {
    const { store, proxy } = await openBehindProxy(server, alone);
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
    const { store, proxy, url } = await openBehindProxy(server, alone);
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
    const { store, proxy } = await openBehindProxy(server, alone);
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
    const { store, proxy } = await openBehindProxy(server);
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
    const { store, proxy } = await openBehindProxy(server, { silenceMs: 200, connectMs: 200 });
    proxy.mode = 'swallow';
    await expect(store.recent(alice, { limit: 1 })).rejects.toMatchObject(unavailable);
    await eventually(() => !store.health().ok);
    proxy.mode = 'pass';
    await isWell(store);
    expect(await store.recent(alice, { limit: 1 })).toEqual([]);
  });
});
