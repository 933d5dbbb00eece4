import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exchange, message, user } from '../../helpers/exchanges.ts';
import { startDatabases, type TestDatabases } from '../../helpers/postgres.ts';
import { accepted, answered, failed, never, openStores } from './helper.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
});
afterAll(() => databases.dispose());

const alice = user('alice');

describe('one run per key', () => {
  test('of simultaneous messages with one key, one is accepted and the others get its exchange', async () => {
    const stores = await openStores(databases, 3, 100);
    for (let round = 0; round < 10; round++) {
      const key = randomUUID();
      const all = Array.from({ length: 9 }, () => ({ ...message(alice), key }));
      const begun = await Promise.all(all.map((one, index) => (stores[index % 3] ?? stores[0]).accept(one)));
      const winners = all.filter((_, index) => begun[index]?.type === 'accepted');
      expect(winners).toHaveLength(1);
      const known = begun.flatMap((one) => (one.type === 'known' ? [one.id] : []));
      expect(known).toEqual(Array(8).fill(winners[0]?.id));
    }
    // Those that were refused left no trace: as many as were accepted may still be waited for.
    const { mayRun } = await accepted(stores[0], message(user('bob')));
    await mayRun(never);
  });

  test('a key stands for its exchange while it runs and when it was answered, and is free when it failed', async () => {
    const [here, there] = await openStores(databases, 2);
    const [first, second, third] = [message(alice), message(alice), message(alice)];
    await accepted(here, { ...first, key: 'key' });
    expect(await there.accept({ ...second, key: 'key' })).toEqual({ type: 'known', id: first.id });
    await here.finish({ ...failed(first), key: 'key' });
    await (await accepted(there, { ...second, key: 'key' })).mayRun(never);
    await there.finish({ ...answered(second), key: 'key' });
    expect(await here.accept({ ...third, key: 'key' })).toEqual({ type: 'known', id: second.id });
    const nextDay = { ...third, key: 'key', timestamp: second.timestamp + 86_401 };
    await accepted(here, nextDay);
    expect(await there.keyed('key')).toBe(third.id);
  });
});

describe('a key whose exchange was cleared', () => {
  test.each([true, false])('may be used again (kept in the log: %s)', async (keep) => {
    const [here, there] = await openStores(databases, 2);
    const [first, second] = [exchange(alice, { key: 'key' }), message(alice)];
    await accepted(here, first);
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
