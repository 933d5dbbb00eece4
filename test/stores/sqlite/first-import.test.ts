import { chmod, cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { anonymous, exchange, user } from '../../helpers/exchanges.ts';
import { startChild } from './child.ts';
import {
  eventually,
  idsInDatabase,
  idsOnDisk,
  memoryLogger,
  openStore,
  readLog,
  tempFolder,
} from './helper.ts';

const folderWith = async (log: string | Buffer): Promise<{ dir: string; path: string }> => {
  const dir = await tempFolder();
  const path = join(dir, 'conversations.json');
  await writeFile(path, log);
  return { dir, path };
};

describe('a folder with a log of the older form and no database', () => {
  const older = {
    bob: [
      { user: 'one', bot: 'eins', timestamp: 1696614303.123, mood: 'good', usage: 'unknown', id: 7 },
      { user: 'one', bot: 'eins', timestamp: 1696614303.123 },
    ],
    anonymous: [{ user: 'secret', bot: 'told', timestamp: 1696614304 }],
    '': [{ user: 'x', bot: null, timestamp: 0, session: 'mine' }],
  };

  test('is taken over as it is, with ids beside, which stay the same', async () => {
    const { dir, path } = await folderWith(JSON.stringify({ ...older, '10': [] }, null, 4));
    const logger = memoryLogger();
    const store = await openStore(dir, { logger });
    const before = await store.recent(user('bob'), { limit: 5 });
    await store.finish(exchange(user('new')));
    await store.updateCopy();
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({
      ...older,
      bob: [{ ...older.bob[0], id: expect.any(String), older_id: 7 }, older.bob[1]],
    });
    expect(await readdir(dir)).not.toContainEqual(expect.stringContaining('edited'));
    expect(before).toHaveLength(2);
    expect(await store.recent(user(''), { limit: 5 })).toMatchObject([{ user: 'x', bot: null }]);
    await store.close();
    // Made again from the copy, too.
    await rm(join(dir, 'thread-proxy.db'));
    const again = await openStore(dir);
    expect(await again.recent(user('bob'), { limit: 5 })).toEqual(before);
    expect(logger.lines).toContain('info: the database is made');
  });

  test('tells its anonymous exchanges to no one', async () => {
    const { dir } = await folderWith(JSON.stringify(older));
    const store = await openStore(dir);
    for (const id of ['anonymous', '', 'undefined', 'null']) {
      expect(await store.recent(anonymous(id), { limit: 5 })).toEqual([]);
    }
    expect(await store.recent(user('anonymous'), { limit: 5 })).toEqual([]);
  });

  test('keeps what was said under a verified id for whoever proves it, and believes nobody else from then on', async () => {
    const log = { alice: [{ user: 'mine', bot: 'yes', timestamp: 1, id: 'v', verified: true }] };
    const { dir } = await folderWith(JSON.stringify(log));
    const store = await openStore(dir);
    expect(await store.recent(user('alice'), { limit: 5 })).toEqual([]);
    expect(await store.recent({ kind: 'verified', id: 'alice' }, { limit: 5 })).toMatchObject([{ id: 'v' }]);
    expect(await store.isVerified('alice')).toBe(true);
  });

  test('keeps out of histories what its visitor cleared, also where the archive has no mark of it', async () => {
    const { dir } = await folderWith(
      JSON.stringify({
        bob: [
          { user: 'cleared', bot: 'b', timestamp: 200, id: 'c', cleared: true },
          { user: 'later', bot: 'b', timestamp: 300, id: 'l' },
        ],
      }),
    );
    await mkdir(join(dir, 'archive'));
    const archived = { bob: [{ user: 'archived', bot: 'b', timestamp: 100, id: 'a' }] };
    await writeFile(join(dir, 'archive', '1970-01.json'), JSON.stringify(archived));
    const store = await openStore(dir);
    expect(await store.recent(user('bob'), { limit: 5 })).toMatchObject([{ id: 'l' }]);
    expect(await store.visitors({ limit: 5 })).toMatchObject([{ messages: 1 }]);
    await store.updateCopy();
    expect(await idsOnDisk(dir)).toEqual({ live: ['c', 'l'], archived: ['a'] });
  });

  test('keeps users whose names are names of JavaScript, and an id that stands twice', async () => {
    const text =
      '{"__proto__":[{"user":"a","bot":"b","timestamp":1,"__proto__":{"x":1},"id":"i"}],' +
      '"constructor":[{"user":"c","bot":"d","timestamp":2,"id":"i"}]}';
    const { dir, path } = await folderWith(text);
    const store = await openStore(dir);
    await store.finish(exchange(user('new')));
    await store.updateCopy();
    expect(await readFile(path, 'utf8')).toContain('"__proto__":{"x":1}');
    expect(await store.recent(user('__proto__'), { limit: 5 })).toMatchObject([{ id: 'i', user: 'a' }]);
    expect(await store.recent(user('constructor'), { limit: 5 })).toMatchObject([{ user: 'c' }]);
  });

  test('keeps users apart of whose names no database can keep each character', async () => {
    const line = (said: string) => ({ user: said, bot: 'b', timestamp: 1 });
    const { dir, path } = await folderWith(
      JSON.stringify({ 'x\ud800': [line('mine')], 'x\ufffd': [line('yours')] }),
    );
    const store = await openStore(dir);
    expect(await store.recent(user('x\ufffd'), { limit: 5 })).toMatchObject([{ user: 'yours' }]);
    await store.updateCopy();
    expect([...(await readLog(path)).keys()].toSorted()).toEqual(['x\ud800', 'x\ufffd']);
  });

  test.each([
    ['an empty file', ''],
    ['an empty log', ' {} \n'],
    ['a byte order mark', '\ufeff{}'],
  ])('%s counts as a log without exchanges', async (_what, text) => {
    const { dir, path } = await folderWith(text);
    const store = await openStore(dir);
    await store.finish(exchange(user('alice')));
    await store.updateCopy();
    expect([...(await readLog(path)).keys()]).toEqual(['alice']);
  });

  const good = '{"user":"a","bot":"b","timestamp":1}';
  test.each([
    ['cut off', `{"a":[${good},\n{"user":"a","bo`, 'line 2'],
    ['followed by something', `{"a":[${good}]}\n\n}`, 'line 3'],
    ['a list that is not one', '{"a":\n{}}', '"a": expected a list'],
    ['an exchange that is none', `{"a":[\n${good},\n7]}`, '"a"[1]'],
    ['a broken exchange', '{"a":[\n{"user":"a",,}]}', '"a"[0]'],
    ['an exchange without its time', `{"a":[${good},{"user":"a","bot":"b"}]}`, '"a"[1].timestamp'],
    ['not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x5b, 0x5d, 0x7d]), 'UTF-8'],
  ])(
    'stops the start with the place of what is not valid, and changes nothing: %s',
    async (_what, text, place) => {
      const { dir, path } = await folderWith(text);
      const refused = await openStore(dir).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(Error);
      expect(String(refused)).toContain(path);
      expect(String(refused)).toContain(place);
      expect(await readFile(path)).toEqual(Buffer.from(text));
      expect((await readdir(dir)).toSorted()).toEqual(['conversations.json', 'lock.db']);
      // Once it is mended the same process can open it: the lock was let go.
      await writeFile(path, '{}');
      await openStore(dir);
    },
  );

  test('that may not be read stops the start', async ({ skip }) => {
    const { dir, path } = await folderWith('{}');
    await chmod(path, 0);
    if (process.getuid?.() === 0) skip('root may read everything');
    await expect(openStore(dir)).rejects.toThrow(path);
  });

  test('is taken over whole after starts that were killed on the way', async () => {
    const lists = Array.from({ length: 200 }, (_, u) => [
      `user-${u}`,
      Array.from({ length: 100 }, (__, i) => ({ user: `${u} ${i}`, bot: 'x'.repeat(200), timestamp: i })),
    ]);
    const { dir } = await folderWith(JSON.stringify(Object.fromEntries(lists)));
    const importing = join(dir, 'thread-proxy.db.importing');
    for (const bytes of [1, 1e6]) {
      const child = startChild('open-child.ts', [dir]);
      await eventually(
        async () => ((await stat(importing).catch(() => undefined))?.size ?? 0) >= bytes,
        20_000,
      );
      await child.kill();
      expect(child.lines).toEqual([]);
      expect(await readdir(dir)).not.toContain('thread-proxy.db');
    }
    const store = await openStore(dir);
    expect(await store.recent(user('user-199'), { limit: 200 })).toHaveLength(100);
    const ids = idsInDatabase(dir);
    expect([ids.length, new Set(ids).size]).toEqual([20_000, 20_000]);
    expect(await readdir(dir)).not.toContain('thread-proxy.db.importing');
  });
});

describe('a database', () => {
  const filled = async (): Promise<{ dir: string; database: string; ids: string[] }> => {
    const dir = await tempFolder();
    const store = await openStore(dir, { maxBytes: 4000 });
    const all = Array.from({ length: 12 }, () => exchange(user('alice'), { bot: 'x'.repeat(600) }));
    for (const one of all) await store.finish(one);
    await store.close();
    return { dir, database: join(dir, 'thread-proxy.db'), ids: all.map(({ id }) => id) };
  };

  test('that is damaged stops the start, which says how to rebuild it and changes nothing', async () => {
    const { dir, database, ids } = await filled();
    for (const damage of ['no database at all'.repeat(100), Buffer.alloc(8192, 7)]) {
      await writeFile(database, damage);
      const told = String(await openStore(dir).catch((error: unknown) => error));
      expect(told).toContain(`The database ${database} is damaged`);
      expect(told).toContain('conversations.json and archive/');
      expect(await readFile(database)).toEqual(Buffer.from(damage));
    }
    // As the message says.
    await rm(database);
    const store = await openStore(dir, { maxBytes: 4000 });
    const found = await store.recent(user('alice'), { limit: 50 });
    expect(found.map(({ id }) => id).toReversed()).toEqual(ids);
    await store.updateCopy();
    const { live, archived } = await idsOnDisk(dir);
    expect([...archived, ...live].toSorted()).toEqual(ids.toSorted());
  });

  test('with a newer schema than this version knows stops the start, which says so', async () => {
    const { dir, database } = await filled();
    const db = new DatabaseSync(database);
    db.exec('PRAGMA user_version = 999');
    db.close();
    const before = await readFile(database);
    await expect(openStore(dir)).rejects.toThrow(/schema 999.*newer version/);
    expect(await readFile(database)).toEqual(before);
  });

  test('whose making was cut short at its first step is made', async () => {
    const { dir } = await folderWith('{"bob":[{"user":"a","bot":"b","timestamp":1}]}');
    await writeFile(join(dir, 'thread-proxy.db'), '');
    const store = await openStore(dir);
    expect(await store.recent(user('bob'), { limit: 5 })).toHaveLength(1);
  });

  test('that a copy of the folder brought along is opened with all that it holds', async () => {
    const { dir, ids } = await filled();
    const copy = await tempFolder();
    await cp(dir, copy, { recursive: true });
    const store = await openStore(copy);
    expect(await store.recent(user('alice'), { limit: 50 })).toHaveLength(ids.length);
  });
});
