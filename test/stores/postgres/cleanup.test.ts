import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openMovingStore } from '../../../src/stores/postgres/moving/moving.ts';
import { message, user } from '../../helpers/exchanges.ts';
import { startDatabases, type TestDatabases } from '../../helpers/postgres.ts';
import { eventually, memoryLogger } from '../sqlite/helper.ts';
import { connectTo, openStore, quick } from './helper.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
});
afterAll(() => databases.dispose());

const alice = user('alice');

describe('the cleanup', () => {
  test('removes keys, ended tokens, calls and days that nobody asks for any more', async () => {
    const url = await databases.newSchema();
    const store = await openStore(url, { tuning: { ...quick, cleanupMs: 20 } });
    const mover = await openMovingStore({ url, wait: 0, logger: memoryLogger() });
    onTestFinished(() => mover.close());
    const old = message(alice);
    await store.accept({ ...old, key: 'old' });
    await store.accept({ ...message(alice), key: 'new', timestamp: old.timestamp + 90_000 });
    await store.endToken('long ago', 1);
    await store.endToken('not yet', 4e9);
    for (let day = 10; day < 20; day++) await store.countMessage(`2026-10-${day}`);
    await store.countCall('address', 1);
    await eventually(async () => {
      const { keys, ended, days } = await mover.counts();
      return keys === 1 && ended === 1 && days === 7;
    });
    expect(await store.countMessage('2026-10-19')).toBe(2);
    expect(await store.hasEnded('not yet')).toBe(true);
    expect(await store.keyed('new')).toBeDefined();
  });

  test('keeps each ended token until it would have expired, however many ended after it', async () => {
    const url = await databases.newSchema();
    const store = await openStore(url, { tuning: { ...quick, cleanupMs: 20 } });
    await store.endToken('the first', 4e9);
    const sql = connectTo(url);
    await sql`insert into tp_ended (token, until) select 'token ' || n, 4e9 from generate_series(1, 100000) as n`;
    await store.endToken('long ago', 1);
    await store.endToken('the last', 4e9);
    await eventually(async () => (await sql`select from tp_ended where token = 'long ago'`).length === 0);
    // One that has not asked for it yet, nor ended it itself.
    const other = await openStore(url);
    expect(await other.hasEnded('the first')).toBe(true);
    expect(await other.hasEnded('token 1')).toBe(true);
  });
});
