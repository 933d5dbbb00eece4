import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exchange, message, user } from '../helpers/exchanges.ts';
import { startDatabases, type TestDatabases } from '../helpers/postgres.ts';
import { temporaryFolder } from '../helpers/service.ts';
import { messagesIn, openStore as openPostgres } from '../stores/postgres/helper.ts';
import { idsOnDisk, openStore } from '../stores/sqlite/helper.ts';
import { older, runCommand } from './helper.ts';
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
    await store.accept({ ...one, key: 'k\u0000ey' });
    await store.finish(one);
    store.setThread(alice, { id: 'thread\u0000_\ud800', madeBy: 'x\u0000' });
    store.setFact('na\u0000me', 'val\udc00ue');
    await store.markVerified('a\u0000b');
    await store.markVerified('a\ufffdb');
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
    await store.accept(message(bob, 'cleared'));
    await store.clear(bob, true);
    await store.accept(message(bob, 'kept'));
    await store.accept(message(eve, 'removed'));
    await store.clear(eve, false);
    await store.accept(message(eve, 'kept'));
    await store.close();
    const next = await openPostgres(url);
    const answered = exchange(bob, { user: 'answered' });
    await next.accept(answered);
    await next.finish(answered);
    await next.close();
    const dir = path.join(root, 'data');
    expect(await move(url, dir)).toMatchObject({ code: 0, stderr: '' });
    const moved = await openStore(dir);
    const kept = { user: 'kept', bot: null, error: 'internal_error' };
    expect(await moved.recent(eve, { limit: 5 })).toMatchObject([kept]);
    expect(await moved.recent(bob, { limit: 5 })).toMatchObject([kept, answered]);
    const back = await databases.newDatabase();
    await moved.close();
    expect((await move(dir, back)).code).toBe(0);
    const again = await openPostgres(back);
    expect(await again.recent(bob, { limit: 5 })).toMatchObject([kept, answered]);
    expect((await messagesIn(back)).sort()).toEqual(['answered', 'cleared', 'kept', 'kept']);
  });

  test('puts an older log, imported after newer exchanges were archived, before these', async () => {
    const root = await temporaryFolder();
    const dir = path.join(root, 'data');
    const store = await openStore(dir, { maxBytes: 1500 });
    for (let count = 0; count < 20; count++) {
      const one = { ...exchange(bob), timestamp: 1_700_000_000 + count };
      await store.accept(one);
      await store.finish(one);
    }
    await store.updateCopy();
    expect((await idsOnDisk(dir)).archived).not.toEqual([]);
    await store.close();
    const file = path.join(root, 'older.json');
    const times = [1_600_000_000, 1_700_000_000.5];
    await writeFile(file, JSON.stringify({ bob: times.map((time) => older('imported', time)) }));
    expect((await runCommand('import', [file], { env: { DATA_DIR: dir } })).code).toBe(0);

    const url = await databases.newDatabase();
    expect(await move(dir, url)).toMatchObject({ code: 0, stderr: '' });
    const moved = await openPostgres(url);
    const history = (await moved.recent(bob, { limit: 30 })).map(({ timestamp }) => timestamp);
    expect(history).toHaveLength(22);
    expect(history).toEqual(history.toSorted((a, b) => b - a));
  });

  test('frees a key whose exchange is not there', async () => {
    const dir = await temporaryFolder();
    const store = await openStore(dir);
    const one = exchange(bob);
    await store.accept({ ...one, key: 'key' });
    await store.finish(one);
    await store.clear(bob, false);
    await store.accept(message(eve));
    await store.close();
    const url = await databases.newDatabase();
    expect((await move(dir, url)).stdout).toMatch(/keys +1 /);
    const moved = await openPostgres(url);
    expect(await moved.accept({ ...message(bob), key: 'key' })).toMatchObject({ type: 'accepted' });
  });

  test('calls two schemas of one database by two names', async () => {
    const root = await temporaryFolder();
    for (const url of [await databases.newDatabase(), await databases.newSchema()]) {
      const store = await openPostgres(url);
      const one = exchange(bob);
      await store.accept(one);
      await store.finish(one);
      await store.close();
      const { host, pathname, search } = new URL(url);
      const { stdout } = await move(url, path.join(root, pathname));
      expect(stdout).toContain(`Moved postgres://${host}${pathname}${search} into`);
    }
  });
});
