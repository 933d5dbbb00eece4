import { stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exchange, message, user } from '../helpers/exchanges.ts';
import { startDatabases, type TestDatabases } from '../helpers/postgres.ts';
import { temporaryFolder } from '../helpers/service.ts';
import { messagesIn, openStore as openPostgres } from '../stores/postgres/helper.ts';
import { idsOnDisk, openStore } from '../stores/sqlite/helper.ts';
import { allIn, factsIn, move, oddFolder } from './moving.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
});
afterAll(() => databases.dispose());

describe('move', () => {
  test('takes all of a folder into a database and back, and changes nothing of it', async () => {
    const root = await temporaryFolder();
    const dir = await oddFolder(root);
    const url = await databases.newDatabase();
    const there = await move(dir, url);
    expect(there).toMatchObject({ code: 0, stderr: '' });
    expect(there.stdout).not.toContain(new URL(url).password);
    expect(there.stdout).toContain('session-secret');

    const store = await openPostgres(url);
    const [last, failed] = await store.recent(user('alice'), { limit: 2 });
    expect(last).toMatchObject({ bot: 'Hello there!' });
    expect(failed).toMatchObject({ bot: null, error: 'upstream_timeout' });
    expect(await store.recent(user('gone'), { limit: 2 })).toEqual([]);
    expect(await store.thread(user('alice'))).toEqual({ id: 'thread_1', madeBy: 'test' });
    expect([await store.isVerified('alice'), await store.hasEnded('token')]).toEqual([true, true]);
    expect(await store.fact('c')).toBe('{"x":1}');
    expect(await store.keyed(`key of ${last?.id}`)).toBe(last?.id);
    // Who cannot be a visitor here is none, but in the log.
    const ids = (await store.visitors({ limit: 100 })).map(({ visitor }) => visitor.id);
    expect(ids).toEqual(
      expect.arrayContaining(['__proto__', 'constructor', '7', '', ' a ', 'ünï\u2028cödé 🙂']),
    );
    expect(ids).toHaveLength(16);
    await store.close();

    const back = path.join(root, 'back');
    expect(await move(url, back)).toMatchObject({ code: 0, stderr: '' });
    const moved = await allIn(back);
    // In the source it waits for the next start of the service.
    expect(moved.get('cut off')).toMatchObject([{ user: 'Is anybody there?', error: 'internal_error' }]);
    moved.delete('cut off');
    expect(moved).toEqual(await allIn(dir));
    expect(await factsIn(back)).toEqual(await factsIn(dir));
    expect((await stat(path.join(back, 'conversations.json'))).mode & 0o777).toBe(0o600);
    const reopened = await openStore(back);
    expect(await reopened.recent(user('alice'), { limit: 2 })).toEqual([last, failed]);
    expect(await reopened.recent(user('cut off'), { limit: 2 })).toMatchObject([
      { bot: null, error: 'internal_error' },
    ]);
  });

  test('keeps what was cleared out of histories, also what was in the archive by then', async () => {
    const root = await temporaryFolder();
    const dir = path.join(root, 'data');
    const store = await openStore(dir, { maxBytes: 1500 });
    const bob = user('bob');
    const say = async (one: ReturnType<typeof exchange>): Promise<void> => {
      await store.accept(one);
      await store.finish(one);
    };
    for (let count = 0; count < 20; count++) await say(exchange(bob));
    await store.updateCopy();
    expect((await idsOnDisk(dir)).archived).not.toEqual([]);
    await store.clear(bob, true);
    const after = exchange(bob);
    await say(after);
    await store.close();

    const url = await databases.newDatabase();
    expect((await move(dir, url)).code).toBe(0);
    const moved = await openPostgres(url);
    expect(await moved.recent(bob, { limit: 20 })).toEqual([after]);
    expect(await messagesIn(url)).toHaveLength(21);
  });

  test('frees the keys of messages that failed', async () => {
    const dir = await temporaryFolder();
    const store = await openStore(dir);
    const failed = exchange(user('bob'), { bot: null, error: 'upstream_timeout', key: 'key' });
    await store.accept(failed);
    await store.finish(failed);
    await store.close();
    const url = await databases.newDatabase();
    expect((await move(dir, url)).code).toBe(0);
    const moved = await openPostgres(url);
    expect(await moved.accept({ ...message(user('bob')), key: 'key' })).toMatchObject({ type: 'accepted' });
  });
});
