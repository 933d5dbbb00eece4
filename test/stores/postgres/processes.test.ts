import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { AcceptedMessage } from '../../../src/chat/model.ts';
import type { Accepted, Store } from '../../../src/chat/store-port.ts';
import type { PostgresStore } from '../../../src/stores/postgres/postgres-store.ts';
import { startDatabases, type TestDatabases } from '../../helpers/postgres.ts';
import { eventually } from '../sqlite/helper.ts';
import { exchange, message, user } from '../store-contract.ts';
import { openStore, quick } from './helper.ts';
import { startPuppet } from './puppet.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
});
afterAll(() => databases.dispose());

const alice = user('alice');

/** Stores on one database, as two or more processes would have. */
const openStores = async (
  count: number,
  maxWaiting = 3,
): Promise<[PostgresStore, PostgresStore, ...PostgresStore[]]> => {
  const url = await databases.newSchema();
  const open = (): Promise<PostgresStore> => openStore(url, { maxWaiting, tuning: quick });
  const others = Array.from({ length: count - 2 }, open);
  return [await open(), await open(), ...(await Promise.all(others))];
};

/** Begins a message that is expected to be taken. */
const taken = async (store: Store, one: AcceptedMessage): Promise<Accepted & { type: 'accepted' }> => {
  const begun = await store.accept(one);
  if (begun.type !== 'accepted') throw new Error(`it is known as ${begun.id}`);
  return begun;
};
const never = new AbortController().signal;
const answered = (one: AcceptedMessage) => ({ ...one, bot: 'Yes' });
const failed = (one: AcceptedMessage) => ({ ...one, bot: null, error: 'upstream_failed' });

describe('one run at a time', () => {
  test('messages of a visitor run in the order in which the database took them, each with those before in the log', async () => {
    const stores = await openStores(3, 100);
    const order: string[] = [];
    const ran: string[] = [];
    let running = 0;
    const all = Array.from({ length: 24 }, () => message(alice));
    const runs: Promise<void>[] = [];
    for (const [index, one] of all.entries()) {
      const store = stores[index % 3] ?? stores[0];
      const { mayRun } = await taken(store, one);
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
    const stores = await openStores(3, 100);
    let running = 0;
    let most = 0;
    const all = Array.from({ length: 60 }, (_, index) => ({ one: message(user(`v${index % 3}`)), index }));
    await Promise.all(
      all.map(async ({ one, index }) => {
        const store = stores[index % 3] ?? stores[0];
        const { mayRun } = await taken(store, one);
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
    const [here, there] = await openStores(2);
    const [first, second] = [message(alice), message(alice)];
    await (await taken(here, first)).mayRun(never);
    const { mayRun } = await taken(there, second);
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

  test('too many messages for one visitor are refused wherever they come, and nothing is kept of them', async () => {
    const [here, there] = await openStores(2, 1);
    const [first, second, third] = [message(alice), message(alice), message(alice)];
    await taken(here, first);
    await taken(there, second);
    const refused = { ...third, key: 'key' };
    await expect(here.accept(refused)).rejects.toMatchObject({ code: 'thread_busy' });
    await expect(there.accept(refused)).rejects.toMatchObject({ code: 'thread_busy' });
    expect(await here.keyed('key')).toBeUndefined();
    expect(await here.unfinished(third.id)).toBeUndefined();
    await taken(here, message(user('bob')));
    await here.finish(answered(first));
    await taken(there, refused);
    expect(await here.unfinished(third.id)).toEqual(refused);
  });
});

describe('one run per key', () => {
  test('of messages with one key that come at the same moment one is taken, and the others are told which', async () => {
    const stores = await openStores(3, 100);
    for (let round = 0; round < 10; round++) {
      const key = randomUUID();
      const all = Array.from({ length: 9 }, () => ({ ...message(alice), key }));
      const begun = await Promise.all(all.map((one, index) => (stores[index % 3] ?? stores[0]).accept(one)));
      const winners = all.filter((_, index) => begun[index]?.type === 'accepted');
      expect(winners).toHaveLength(1);
      const known = begun.flatMap((one) => (one.type === 'known' ? [one.id] : []));
      expect(known).toEqual(Array(8).fill(winners[0]?.id));
    }
    // Those that were refused left no trace: as many as were taken may still be waited for.
    const { mayRun } = await taken(stores[0], message(user('bob')));
    await mayRun(never);
  });

  test('a key stands for its exchange while it runs and when it was answered, and is free when it failed', async () => {
    const [here, there] = await openStores(2);
    const [first, second, third] = [message(alice), message(alice), message(alice)];
    await taken(here, { ...first, key: 'key' });
    expect(await there.accept({ ...second, key: 'key' })).toEqual({ type: 'known', id: first.id });
    await here.finish({ ...failed(first), key: 'key' });
    await (await taken(there, { ...second, key: 'key' })).mayRun(never);
    await there.finish({ ...answered(second), key: 'key' });
    expect(await here.accept({ ...third, key: 'key' })).toEqual({ type: 'known', id: second.id });
    const nextDay = { ...third, key: 'key', timestamp: second.timestamp + 86_401 };
    await taken(here, nextDay);
    expect(await there.keyed('key')).toBe(third.id);
  });
});

describe('a key whose exchange was cleared', () => {
  test.each([true, false])('may be used anew (kept in the log: %s)', async (keep) => {
    const [here, there] = await openStores(2);
    const [first, second] = [exchange(alice, { key: 'key' }), message(alice)];
    await taken(here, first);
    await here.finish(first);
    await there.clear(alice, keep);
    const all = await Promise.all(
      [here, there, here, there].map((store) => store.accept({ ...message(alice), key: 'key' })),
    );
    expect(all.map(({ type }) => type).toSorted()).toEqual(['accepted', 'known', 'known', 'known']);
    const id = await here.keyed('key');
    expect(id).not.toBe(first.id);
    expect(await there.accept({ ...second, key: 'key' })).toEqual({ type: 'known', id });
  });
});

describe('a process that dies', () => {
  test('frees its thread, and what it was doing is given to one other', async () => {
    const url = await databases.newSchema();
    const puppet = await startPuppet(url, quick);
    const [cut, next] = [message(alice), message(alice)];
    expect(await puppet.accept({ ...cut, key: 'key', name: 'Alice' })).toBe('accepted');
    const here = await openStore(url, { tuning: quick });
    const there = await openStore(url, { tuning: quick });
    const { mayRun } = await taken(here, next);
    const both = async () => (await Promise.all([here.interrupted(), there.interrupted()])).flat();
    expect(await both()).toEqual([]);
    await puppet.kill();
    await mayRun(never);
    expect(await both()).toEqual([{ ...cut, key: 'key', name: 'Alice' }]);
    expect(await both()).toEqual([]);
  });

  test('when it was only asleep, it can write nothing of what it did, and works on under another name', async () => {
    const url = await databases.newSchema();
    const puppet = await startPuppet(url, quick);
    const [cut, next] = [message(alice), message(alice)];
    await puppet.accept(cut);
    await puppet.setThread(alice, { id: 'late', madeBy: 'test' });
    const here = await openStore(url, { tuning: quick });
    const { mayRun } = await taken(here, next);
    puppet.signal('SIGSTOP');
    await mayRun(never);
    expect(await here.interrupted()).toEqual([cut]);
    await here.finish({ ...cut, bot: null, error: 'internal_error' });
    here.setThread(alice, { id: 'new', madeBy: 'test' });
    await here.finish(answered(next));
    puppet.signal('SIGCONT');
    expect(await puppet.finish({ ...cut, bot: 'late' })).toBe('log_unavailable');
    expect(await here.recent(alice, { limit: 5 })).toMatchObject([
      { id: next.id },
      { id: cut.id, bot: null },
    ]);
    expect(await here.thread(alice)).toEqual({ id: 'new', madeBy: 'test' });
    const after = message(alice);
    await eventually(async () => (await puppet.accept(after)) === 'accepted');
    expect(await puppet.finish(answered(after))).toBe('done');
    expect(await here.recent(alice, { limit: 1 })).toEqual([answered(after)]);
  });

  test('when it was only asleep, brings back no thread that was cleared meanwhile', async () => {
    const url = await databases.newSchema();
    const puppet = await startPuppet(url, quick);
    const [cut, after] = [message(alice), message(alice)];
    await puppet.accept(cut);
    await puppet.setThread(alice, { id: 'late', madeBy: 'test' });
    const here = await openStore(url, { tuning: quick });
    puppet.signal('SIGSTOP');
    await eventually(async () => (await here.interrupted()).length > 0);
    await here.finish({ ...cut, bot: null, error: 'internal_error' });
    await here.clear(alice, true);
    puppet.signal('SIGCONT');
    await eventually(async () => (await puppet.accept(after)) === 'accepted');
    expect(await puppet.finish(answered(after))).toBe('done');
    expect(await here.thread(alice)).toBeUndefined();
  });

  test('that no other has seen dead yet cannot write when its messages are others’', async () => {
    const [here, there] = await openStores(2);
    const one = message(alice);
    await taken(here, one);
    await here.close();
    expect(await there.interrupted()).toEqual([one]);
    await there.finish({ ...one, bot: null, error: 'internal_error' });
    expect(await there.exchange(one.id)).toMatchObject({ bot: null });
  });

  test('is not one all of whose connections are busy', async () => {
    const url = await databases.newSchema();
    const here = await openStore(url, { tuning: { ...quick, connections: 1, queueMs: 100 } });
    const there = await openStore(url, { tuning: quick });
    const one = message(user('bob'));
    await taken(here, one);
    await taken(here, message(alice));
    const sql = postgres(url, { max: 1, onnotice: () => undefined });
    onTestFinished(() => sql.end());
    const [held, locked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    onTestFinished(() => held.resolve());
    const holding = sql.begin(async (own) => {
      await own`select from tp_visitors where key = 'u:alice' for update`;
      locked.resolve();
      await held.promise;
    });
    await locked.promise;
    const beginning = here.accept(message(alice));
    const until = performance.now() + 3 * quick.deadMs;
    await eventually(async () => {
      expect(await there.interrupted()).toEqual([]);
      return performance.now() > until;
    });
    held.resolve();
    await holding;
    await beginning;
    await here.finish(answered(one));
  });

  test('that lives is never taken for dead', async () => {
    const url = await databases.newSchema();
    const puppet = await startPuppet(url, quick);
    await puppet.accept(message(alice));
    const here = await openStore(url, { tuning: quick });
    const until = performance.now() + 2 * quick.deadMs;
    await eventually(async () => {
      expect(await here.interrupted()).toEqual([]);
      return performance.now() > until;
    });
  });
});

describe('what a visitor does elsewhere', () => {
  test('a message can be stopped from another process', async () => {
    const [here, there] = await openStores(2);
    const stopped: string[] = [];
    here.onStopRequested((id) => stopped.push(id));
    const [one, other] = [message(alice), message(user('bob'))];
    await taken(here, one);
    await taken(here, other);
    await there.requestStop(randomUUID());
    await there.requestStop(one.id);
    await eventually(() => stopped.length > 0);
    await here.requestStop(other.id);
    expect(stopped).toEqual([one.id, other.id]);
  });

  test.each([true, false])(
    'what it clears while a message runs stays cleared (kept in the log: %s)',
    async (keep) => {
      const [here, there] = await openStores(2);
      const [before, running, later] = [exchange(alice), message(alice), message(alice)];
      await taken(here, before);
      await here.finish(before);
      await taken(here, running);
      here.setThread(alice, { id: 'old', madeBy: 'test' });
      await there.clear(alice, keep);
      await here.finish(answered(running));
      expect(await there.recent(alice, { limit: 5 })).toEqual([]);
      expect(await there.exchange(running.id)).toBeUndefined();
      expect(await there.visitors({ limit: 5 })).toEqual([]);
      expect(await there.thread(alice)).toBeUndefined();
      await (await taken(there, later)).mayRun(never);
      await there.finish(answered(later));
      expect(await here.recent(alice, { limit: 5 })).toEqual([answered(later)]);
      expect(await here.visitors({ limit: 5 })).toMatchObject([{ key: 'u:alice', messages: 1 }]);
    },
  );

  test('a history of any length can be cleared, however little time a statement has', async () => {
    const url = await databases.newSchema();
    const store = await openStore(url, { tuning: { ...quick, statementMs: 500 } });
    await taken(store, message(alice));
    const sql = postgres(url, { max: 1, onnotice: () => undefined });
    onTestFinished(() => sql.end());
    await sql`
      insert into tp_exchanges (id, visitor, place, said, answer, at)
      select 'id-' || i, 'u:alice', 0, 'Hello!', repeat('yes ', 100), i from generate_series(1, 100000) i`;
    await store.clear(alice, true);
    expect(await store.recent(alice, { limit: 5 })).toEqual([]);
    expect(await sql`select from tp_exchanges where cleared`).toHaveLength(100_000);
  });

  test('visitors are found by the name that they last gave', async () => {
    const [store] = await openStores(2);
    const all = [
      exchange(user('one'), { name: 'Zoë' }),
      exchange(user('two'), { name: 'Zoë' }),
      exchange(user('two'), { name: 'Bob' }),
      exchange(user('three')),
      exchange(user('one')),
    ];
    for (const one of all) {
      await taken(store, one);
      await store.finish(one);
    }
    expect(await store.visitors({ limit: 5, name: 'Zoë' })).toMatchObject([
      { key: 'u:one', messages: 2, name: 'Zoë' },
    ]);
    expect(await store.visitors({ limit: 5, name: 'Bob' })).toMatchObject([{ key: 'u:two' }]);
    expect(await store.visitors({ limit: 5, name: 'zoë' })).toEqual([]);
  });
});

describe('counts', () => {
  test('messages are counted once each over all processes, and can be given back', async () => {
    const stores = await openStores(3);
    const calls = Array.from({ length: 90 }, (_, index) =>
      (stores[index % 3] ?? stores[0]).countMessage('2026-10-13'),
    );
    const counts = await Promise.all(calls);
    expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 90 }, (_, index) => index + 1));
    expect(await stores[0].countMessage('2026-10-13', -1)).toBe(89);
    expect(
      await Promise.all([1, 1, -1, 1].map((by) => stores[1].countMessage('2026-10-13', by === 1 ? 1 : -1))),
    ).toEqual([90, 91, 90, 91]);
  });

  test('calls are counted once each over all processes, in a window that begins with the first', async () => {
    const stores = await openStores(3);
    const began = Date.now();
    const calls = Array.from({ length: 60 }, (_, index) =>
      (stores[index % 3] ?? stores[0]).countCall('address', 700),
    );
    const counted = await Promise.all(calls);
    const counts = counted.map(({ count }) => count);
    expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
    for (const { resetsAt } of counted) {
      expect(resetsAt).toBeGreaterThan(began + 600);
      expect(resetsAt).toBeLessThanOrEqual(Date.now() + 700);
    }
    expect((await stores[0].countCall('another', 700)).count).toBe(1);
    const anew = await eventually(async () => {
      const { count } = await stores[1].countCall('address', 700);
      return count === 1 && Date.now();
    });
    expect(anew).toBeGreaterThanOrEqual(began + 700);
  });

  test('what one process vouched for and ended holds for all', async () => {
    const [here, there] = await openStores(2);
    expect(await there.isVerified('alice')).toBe(false);
    await here.markVerified('alice');
    expect(await there.isVerified('alice')).toBe(true);
    const ends = await Promise.all([here, there, here, there].map((store) => store.endToken('token', 2e9)));
    expect(ends.toSorted()).toEqual([false, false, false, true]);
    expect(await there.hasEnded('token')).toBe(true);
    here.setFact('name', 'value');
    await eventually(async () => (await there.fact('name')) === 'value');
    here.setFact('name', '');
    await eventually(async () => (await there.fact('name')) === undefined);
  });
});
