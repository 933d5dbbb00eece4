import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDatabases, type TestDatabases } from '../helpers/postgres.ts';
import { temporaryFolder } from '../helpers/service.ts';
import { openStore } from '../stores/json/helper.ts';
import { openStore as openPostgres } from '../stores/postgres/helper.ts';
import { exchange, user } from '../stores/store-contract.ts';
import { move } from './moving.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
});
afterAll(() => databases.dispose());

const alice = user('alice');

describe('a move', () => {
  test('comes to its end with threads, keys and facts of which a database cannot keep each character', async () => {
    const dir = await temporaryFolder();
    const store = await openStore(dir);
    const one = exchange(alice);
    await store.begin({ ...one, key: 'k\u0000ey' });
    await store.finish(one);
    store.setThread(alice, { id: 'thread\u0000_\ud800', madeBy: 'x\u0000' });
    store.setFact('na\u0000me', 'val\udc00ue');
    await store.vouch('a\u0000b');
    await store.vouch('a\ufffdb');
    await store.endToken('to\ud800ken', 4e9);
    await store.close();
    const url = await databases.newDatabase();
    expect(await move(dir, url)).toMatchObject({ code: 0, stderr: '' });
    const moved = await openPostgres(url);
    expect(await moved.thread(alice)).toEqual({ id: 'thread\ufffd_\ufffd', madeBy: 'x\ufffd' });
    expect(await moved.fact('na\ufffdme')).toBe('val\ufffdue');
    expect(await moved.keyed('k\ufffdey')).toBe(one.id);
  });
});
