import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDatabases, type TestDatabases } from '../helpers/postgres.ts';
import { temporaryFolder } from '../helpers/service.ts';
import { openStore } from '../stores/json/helper.ts';
import { openStore as openPostgres } from '../stores/postgres/helper.ts';
import { exchange, message, user } from '../stores/store-contract.ts';
import { move } from './moving.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
});
afterAll(() => databases.dispose());

const [alice, bob, eve] = [user('alice'), user('bob'), user('eve')];

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

  test('leaves cleared what visitors cleared while it was answered, and a crash cut it off', async () => {
    const [root, url] = [await temporaryFolder(), await databases.newDatabase()];
    const store = await openPostgres(url);
    await store.begin(message(bob, 'cleared'));
    await store.clear(bob, true);
    await store.begin(message(bob, 'kept'));
    await store.begin(message(eve, 'removed'));
    await store.clear(eve, false);
    await store.begin(message(eve, 'kept'));
    await store.close();
    const dir = path.join(root, 'data');
    expect(await move(url, dir)).toMatchObject({ code: 0, stderr: '' });
    const moved = await openStore(dir);
    for (const visitor of [bob, eve]) {
      expect(await moved.recent(visitor, { limit: 5 })).toMatchObject([
        { user: 'kept', bot: null, error: 'internal_error' },
      ]);
    }
    const back = await databases.newDatabase();
    await moved.close();
    expect((await move(dir, back)).code).toBe(0);
    const log = await (await openPostgres(back)).newest({ limit: 9 });
    expect(log.map(({ user: said }) => said).sort()).toEqual(['cleared', 'kept', 'kept']);
  });
});
