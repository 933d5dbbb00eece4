import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { LogRow } from '../../../src/log-file/log-row.ts';
import { openMovingStore } from '../../../src/stores/postgres/moving/moving.ts';
import type { PostgresStore } from '../../../src/stores/postgres/postgres-store.ts';
import { openPostgresStore } from '../../../src/stores/postgres/postgres-store.ts';
import { exchange, user } from '../../helpers/exchanges.ts';
import { startDatabases, type TestDatabases } from '../../helpers/postgres.ts';
import { memoryLogger } from '../sqlite/helper.ts';
import { openStore, quick, storeDeps } from './helper.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
});
afterAll(() => databases.dispose());

const alice = user('alice');

const say = async (store: PostgresStore, ...exchanges: ReturnType<typeof exchange>[]): Promise<void> => {
  for (const one of exchanges) {
    await store.accept(one);
    await store.finish(one);
  }
};

describe('a move', () => {
  const more = '{"user":"Hi","bot":"Ho","timestamp":1,"mood":"good"}';
  const moved = [
    { id: 'older-1', visitor: null, user: 'Hi', bot: 'Ho', timestamp: 1, more },
    { id: 'older-2', visitor: 'u:alice', user: 'One', bot: 'Two', timestamp: 1696614303.123, name: 'Al' },
    {
      id: 'older-3',
      visitor: 'u:alice',
      user: 'Three',
      bot: null,
      error: 'upstream_failed',
      timestamp: 1696614304.5,
    },
    { id: 'older-4', visitor: 'a:one', user: '\u2028', bot: '🙂', timestamp: 3, cleared: true as const },
    {
      ...{ id: 'older-5', visitor: 'v:bob', user: 'Five', bot: 'Six', timestamp: 4 },
      ...{ truncated: true as const, usage: { input: 1, output: 2 } },
    },
  ];
  const facts = {
    threads: [['u:alice', { id: 'thread', madeBy: 'test' }] as const],
    keys: [['key', { id: 'older-2', timestamp: 1696614303.123 }] as const],
    verified: ['bob'],
    ended: [['token', 4e9] as const],
    facts: [['first', '1'] as const, ['second', '2'] as const],
    days: [['2026-10-13', 7] as const],
  };

  test('fills a store batch by batch, and comes out as it went in; servers are kept off it until it is done', async () => {
    const url = await databases.newSchema();
    const mover = await openMovingStore({ url, wait: 0, logger: memoryLogger() });
    onTestFinished(() => mover.close());
    expect(await mover.note()).toBeUndefined();
    await mover.begin('./data');
    await mover.add({ exchanges: moved.slice(0, 2) }, '2');
    expect(await mover.position()).toBe('2');
    await expect(openPostgresStore(storeDeps(url, { wait: 60_000 }))).rejects.toThrow(
      /cannot be used: it is half-moved, .*: npm run move -- --from \.\/data --to DATABASE_URL/,
    );
    await mover.add({ exchanges: moved.slice(1) }, '5');
    await mover.add(facts, 'facts');
    await mover.add(facts, 'facts');
    await mover.complete();
    expect(await mover.note()).toBeUndefined();
    expect(await mover.position()).toBeUndefined();
    const read: LogRow[] = [];
    for await (const page of mover.exchanges()) read.push(...page);
    expect(read).toEqual(moved);
    expect(await mover.facts()).toEqual(facts);
    expect(await mover.counts()).toEqual({
      ...{ exchanges: 5, accepted: 0, threads: 1, keys: 1, verified: 1, ended: 1, facts: 2, days: 1 },
    });
    expect(await mover.isInUse(250)).toBe(false);

    const store = await openStore(url, { tuning: quick });
    expect(await mover.isInUse(2000)).toBe(true);
    expect(await store.visitors({ limit: 5 })).toEqual([
      { key: 'u:alice', visitor: alice, messages: 2, lastSeen: 1696614304.5, name: 'Al' },
      { key: 'v:bob', visitor: { kind: 'verified', id: 'bob' }, messages: 1, lastSeen: 4 },
    ]);
    expect((await store.recent(alice, { limit: 5 })).map(({ id }) => id)).toEqual(['older-3', 'older-2']);
    expect(await store.exchange('older-1')).toBeUndefined();
    const later = exchange(alice);
    await say(store, later);
    expect(await store.recent(alice, { limit: 1 })).toEqual([later]);
    expect(await store.visitors({ limit: 1 })).toMatchObject([
      { messages: 3, lastSeen: later.timestamp, name: 'Al' },
    ]);
  });
});
