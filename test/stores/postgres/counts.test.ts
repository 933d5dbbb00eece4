import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDatabases, type TestDatabases } from '../../helpers/postgres.ts';
import { eventually } from '../json/helper.ts';
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

  test('what one process vouched for and ended holds for all', async () => {
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
