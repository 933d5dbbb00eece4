import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { AcceptedMessage, Exchange } from '../../../src/chat/model.ts';
import { exchange, message, user } from '../../helpers/exchanges.ts';
import { startPostgres, type TestPostgres } from '../../helpers/postgres.ts';
import { eventually } from '../sqlite/helper.ts';
import { answered, connectTo, isWell, never, openStore, quick, unavailable } from './helper.ts';

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

  test('gets no process declared dead by being away', async () => {
    const url = await server.newSchema();
    // Long enough that the other comes back late, and is alive by then all the same.
    const slow = { ...quick, deadMs: 3000 };
    const here = await openStore(url, { tuning: { ...slow, beatMs: 600_000, retryMs: 1500 } });
    const there = await openStore(url, { tuning: slow });
    const one = message(alice);
    await here.accept(one);
    const sql = connectTo(url);
    const beats = async () => (await sql`select sum(beat)::integer as beats from tp_processes`)[0]?.beats;
    // One of them sends heartbeats, and has seen the other.
    await eventually(async () => (await beats()) > 3);
    // In order, so that no heartbeat is lost: what was counted before is what is found afterwards.
    await server.stop('fast');
    const until = performance.now() + 1.5 * slow.deadMs;
    await eventually(() => performance.now() > until);
    await server.start();
    await isWell(there);
    // By now only one of them has sent a heartbeat since, and has seen none of the other.
    const before = await beats();
    await eventually(async () => (await beats()) > before + 20);
    expect(await there.interrupted()).toEqual([]);
    await isWell(here);
    await here.finish(answered(one));
    expect(await there.exchange(one.id)).toEqual(answered(one));
  });

  test('gives back the memory of each exchange that is written: there is room for any number, one after the other', async () => {
    const store = await openStore(await server.newSchema(), { tuning: { ...quick, maxPendingBytes: 1000 } });
    for (let n = 0; n < 10; n++) {
      const one = message(alice);
      await store.accept(one);
      await store.finish(answered(one));
    }
    expect(await store.recent(alice, { limit: 20 })).toHaveLength(10);
  });

  test('lets no thread of a lost turn come back after its visitor has cleared it', async () => {
    const url = await server.newSchema();
    const tuning = { ...quick, maxPendingBytes: 1000, writeAfterMs: 60_000 };
    const here = await openStore(url, { tuning });
    const there = await openStore(url, { tuning });
    const [lost, next] = [message(alice), message(alice)];
    await here.accept(lost);
    here.setThread(alice, { id: 'lost', madeBy: 'test' });
    await expect(here.finish({ ...lost, bot: 'x'.repeat(1000) })).rejects.toMatchObject(unavailable);
    await there.clear(alice, true);
    await here.accept(next);
    await here.finish(answered(next));
    expect(await there.thread(alice)).toBeUndefined();
    expect(await here.thread(alice)).toBeUndefined();
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

  test('a statement that is nearly done is waited for when the store closes, and no longer', async () => {
    const url = await server.newSchema();
    const store = await openStore(url, { tuning: { ...quick, closeMs: 60_000 } });
    await store.accept(message(alice));
    const sql = connectTo(url);
    const [held, locked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const holding = sql.begin(async (own) => {
      await own`select from tp_visitors where key = 'u:alice' for update`;
      locked.resolve();
      await held.promise;
    });
    await locked.promise;
    const accepting = store.accept(message(alice));
    const watch = connectTo(url);
    await eventually(async () => (await watch`select from pg_locks where not granted`).length > 0);
    const closing = store.close();
    held.resolve();
    await holding;
    expect(await accepting).toMatchObject({ type: 'accepted' });
    // Well within the time of the test, which is shorter than closeMs.
    await closing;
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
      // A message that was cut off while it was accepted blocks nobody.
      const begun = await store.accept(message(user(name)));
      expect(begun.type).toBe('accepted');
      if (begun.type === 'accepted') await begun.mayRun(AbortSignal.timeout(2000));
    }
  });
});
