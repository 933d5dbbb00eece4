import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { message, user } from '../../helpers/exchanges.ts';
import { startDatabases, type TestDatabases } from '../../helpers/postgres.ts';
import { eventually } from '../sqlite/helper.ts';
import { openStores } from './helper.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
});
afterAll(() => databases.dispose());

describe('counts', () => {
  test('messages are counted once each over all processes, and can be given back', async () => {
    const stores = await openStores(databases, 3);
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

  test('messages are counted as they are accepted, exactly, and none is accepted above the day’s limit', async () => {
    const stores = await openStores(databases, 3);
    const day = { day: '2026-10-13', limit: 20 };
    const before = await stores[0].countMessage(day.day);
    expect(before).toBe(1);
    const all = Array.from({ length: 50 }, (_, index) => message(user(`visitor ${index}`)));
    const results = await Promise.all(
      all.map((one, index) => (stores[index % 3] ?? stores[0]).accept(one, day)),
    );
    const counts = results.flatMap((one) => (one.type === 'accepted' ? [one.count ?? 0] : []));
    expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 19 }, (_, index) => index + 2));
    const refused = all.filter((_, index) => results[index]?.type === 'over');
    expect(refused).toHaveLength(31);
    // Nothing is kept of a refused one: not its place in the queue, either.
    for (const { id } of refused) expect(await stores[1].unfinished(id)).toBeUndefined();
    const { id = '', visitor = user('') } = refused[0] ?? {};
    expect(await stores[1].accept({ ...message(visitor), id })).toMatchObject({
      type: 'accepted',
      thread: null,
    });
  });

  test('a message that is refused because its thread is busy, or whose key is known, is not counted', async () => {
    const [here, there] = await openStores(databases, 2, 0);
    const day = { day: '2026-10-13', limit: 20 };
    expect(await here.accept({ ...message(user('alice')), key: 'key' }, day)).toMatchObject({ count: 1 });
    await expect(there.accept(message(user('alice')), day)).rejects.toMatchObject({ code: 'thread_busy' });
    expect(await there.accept({ ...message(user('bob')), key: 'key' }, day)).toMatchObject({ type: 'known' });
    expect(await there.accept(message(user('bob')), day)).toMatchObject({ count: 2 });
    const next = { day: '2026-10-14', limit: 20 };
    expect(await there.accept(message(user('carl')), next)).toMatchObject({ count: 1 });
    expect(await here.countMessage(next.day)).toBe(2);
    expect(await here.accept(message(user('dora')), next)).toMatchObject({ count: 3 });
  });

  test('a share of the day is counted exactly, and what is over it costs the site nothing', async () => {
    const stores = await openStores(databases, 3);
    const share = { key: '2026-10-13 203.0.113.7', limit: 5 };
    const day = { day: '2026-10-13', limit: 20, share };
    const all = Array.from({ length: 30 }, (_, index) => message(user(`visitor ${index}`)));
    const results = await Promise.all(
      all.map((one, index) => (stores[index % 3] ?? stores[0]).accept(one, day)),
    );
    expect(results.filter(({ type }) => type === 'accepted')).toHaveLength(5);
    expect(results.filter((one) => one.type === 'over' && one.of === 'share')).toHaveLength(25);
    const other = { ...day, share: { key: '2026-10-13 203.0.113.8', limit: 5 } };
    expect(await stores[1].accept(message(user('other')), other)).toMatchObject({ count: 6 });
    // Without a bound of the site only the share counts.
    const alone = { day: '2026-10-13', limit: null, share: { key: 'alone', limit: 1 } };
    expect(await stores[0].accept(message(user('one')), alone)).not.toHaveProperty('count');
    expect(await stores[1].accept(message(user('two')), alone)).toEqual({ type: 'over', of: 'share' });
  });

  test('calls of one key that come at the same moment share a statement, and are told different counts', async () => {
    const [store] = await openStores(databases, 2);
    const calls = ['a', 'b', 'a', 'a', 'b'].map((key) => store.countCall(key, 60_000));
    expect((await Promise.all(calls)).map(({ count }) => count)).toEqual([1, 1, 2, 3, 2]);
    expect((await store.countCall('a', 60_000)).count).toBe(4);
  });

  test('calls are counted once each over all processes, in a window that begins with the first', async () => {
    const stores = await openStores(databases, 3);
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

  test('users verified and sessions ended by one process are so for all', async () => {
    const [here, there] = await openStores(databases, 2);
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
