import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { message, user } from '../../helpers/exchanges.ts';
import { startDatabases, type TestDatabases } from '../../helpers/postgres.ts';
import { accepted, answered, connectTo, failed, never, openStore, openStores, quick } from './helper.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
});
afterAll(() => databases.dispose());

const alice = user('alice');

describe('one run at a time', () => {
  test('messages of a visitor run in the order in which the database took them, each with those before in the log', async () => {
    const stores = await openStores(databases, 3, 100);
    const order: string[] = [];
    const ran: string[] = [];
    let running = 0;
    const all = Array.from({ length: 24 }, () => message(alice));
    const runs: Promise<void>[] = [];
    for (const [index, one] of all.entries()) {
      const store = stores[index % 3] ?? stores[0];
      const { mayRun } = await accepted(store, one);
      order.push(one.id);
      runs.push(
        mayRun(never).then(async () => {
          running += 1;
          expect(running).toBe(1);
          ran.push(one.id);
          const log = await store.recent(alice, { limit: 100 });
          expect(log.map(({ id }) => id).toReversed()).toEqual(order.slice(0, ran.length - 1));
          running -= 1;
          await store.finish(answered(one));
        }),
      );
    }
    await Promise.all(runs);
    expect(ran).toEqual(order);
  });

  test('messages that come at once at all processes run one by one', async () => {
    const stores = await openStores(databases, 3, 100);
    let running = 0;
    let most = 0;
    const all = Array.from({ length: 60 }, (_, index) => ({ one: message(user(`v${index % 3}`)), index }));
    await Promise.all(
      all.map(async ({ one, index }) => {
        const store = stores[index % 3] ?? stores[0];
        const { mayRun } = await accepted(store, one);
        await mayRun(never);
        const isWatched = one.visitor.id === 'v0';
        if (isWatched) running += 1;
        most = Math.max(most, running);
        await store.thread(one.visitor);
        if (isWatched) running -= 1;
        await store.finish(answered(one));
      }),
    );
    expect(most).toBe(1);
    for (const name of ['v0', 'v1', 'v2']) {
      expect(await stores[0].recent(user(name), { limit: 100 })).toHaveLength(20);
    }
  });

  test('a message that is alone may run at once, and one that waits goes when its signal says so', async () => {
    const [here, there] = await openStores(databases, 2);
    const [first, second] = [message(alice), message(alice)];
    await (await accepted(here, first)).mayRun(never);
    const { mayRun } = await accepted(there, second);
    const gone = new Error('gone');
    await expect(mayRun(AbortSignal.abort(gone))).rejects.toBe(gone);
    const leaving = new AbortController();
    const waiting = mayRun(leaving.signal);
    leaving.abort(gone);
    await expect(waiting).rejects.toBe(gone);
    await there.finish(failed(second));
    await here.finish(answered(first));
    expect((await here.recent(alice, { limit: 5 })).map(({ id }) => id)).toEqual([first.id, second.id]);
  });

  test('messages of a visitor that come at once keep their order, over however many connections', async () => {
    const url = await databases.newSchema();
    const store = await openStore(url, { maxWaiting: 1000, tuning: quick });
    // All connections are made before, or the first would be ahead of the others.
    await Promise.all(Array.from({ length: 50 }, (_, n) => store.fact(`${n}`)));
    const all = Array.from({ length: 200 }, () => message(alice));
    await Promise.all(all.map((one) => store.accept(one)));
    const rows = await connectTo(url)`select id from tp_taken order by place`;
    expect(rows.map(({ id }) => id)).toEqual(all.map(({ id }) => id));
  });

  test('the only message of a visitor gets the thread and the last exchange; a waiting one does not', async () => {
    const [here, there] = await openStores(databases, 2);
    const [first, second, third] = [message(alice), message(alice), message(alice)];
    expect(await here.accept(first)).toMatchObject({ thread: null, lastSeen: null });
    here.setThread(alice, { id: 'thread', madeBy: 'test' });
    await here.finish(answered(first));
    const told = { thread: { id: 'thread', madeBy: 'test' }, lastSeen: first.timestamp };
    expect(await there.accept(second)).toMatchObject(told);
    const waiting = await here.accept(third);
    expect(waiting.type).toBe('accepted');
    expect(waiting).not.toHaveProperty('thread');
    expect(waiting).not.toHaveProperty('lastSeen');
    await there.finish(answered(second));
    await here.finish(answered(third));
    await there.clear(alice, true);
    expect(await here.accept(message(alice))).toMatchObject({ thread: null, lastSeen: null });
  });

  test('too many messages for one visitor are refused wherever they come, and nothing is kept of them', async () => {
    const [here, there] = await openStores(databases, 2, 1);
    const [first, second, third] = [message(alice), message(alice), message(alice)];
    await accepted(here, first);
    await accepted(there, second);
    const refused = { ...third, key: 'key' };
    await expect(here.accept(refused)).rejects.toMatchObject({ code: 'thread_busy' });
    await expect(there.accept(refused)).rejects.toMatchObject({ code: 'thread_busy' });
    expect(await here.keyed('key')).toBeUndefined();
    expect(await here.unfinished(third.id)).toBeUndefined();
    await accepted(here, message(user('bob')));
    await here.finish(answered(first));
    await accepted(there, refused);
    expect(await here.unfinished(third.id)).toEqual(refused);
  });
});
