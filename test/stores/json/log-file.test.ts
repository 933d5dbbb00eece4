import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findConversations, wholeText } from '../../../src/log-file/find-conversations.ts';
import { conversationsText } from '../../../src/stores/json/conversations-text.ts';
import { LiveLog } from '../../../src/stores/json/live-log.ts';
import { anonymous, exchange, user } from '../store-contract.ts';
import { openStore, readLog, tempFolder } from './helper.ts';

const folderWith = async (log: string | Buffer): Promise<{ dir: string; path: string }> => {
  const dir = await tempFolder();
  const path = join(dir, 'conversations.json');
  await writeFile(path, log);
  return { dir, path };
};

describe('conversations.json', () => {
  test('holds each exchange under its user, and anonymous ones with their session', async () => {
    const dir = await tempFolder();
    const store = await openStore(dir);
    const named = exchange(user('user123'));
    const failed = exchange(user('user123'), { bot: null, error: 'upstream_failed' });
    const unnamed = exchange(anonymous('session-1'), { truncated: true, usage: { input: 1, output: 2 } });
    for (const one of [named, failed, unnamed]) await store.finish(one);
    await store.snapshot();
    const { user: text, bot, timestamp, id } = named;
    expect(JSON.parse(await readFile(join(dir, 'conversations.json'), 'utf8'))).toEqual({
      user123: [
        { user: text, bot, timestamp, id },
        { user: text, bot: null, timestamp: failed.timestamp, id: failed.id, error: 'upstream_failed' },
      ],
      anonymous: [
        {
          user: text,
          bot,
          timestamp: unnamed.timestamp,
          id: unnamed.id,
          session: 'session-1',
          truncated: true,
          usage: { input: 1, output: 2 },
        },
      ],
    });
  });

  test('is there, and empty, before the first exchange', async () => {
    const dir = await tempFolder();
    await (await openStore(dir)).close();
    expect(await readFile(join(dir, 'conversations.json'), 'utf8')).toBe('{\n}\n');
  });

  test('the folder is ours alone, and the log may be read by the group at most', async () => {
    const dir = join(await tempFolder(), 'made', 'on', 'the way');
    const store = await openStore(dir);
    await store.finish(exchange(user('alice')));
    await store.snapshot();
    const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;
    expect(await mode(dir)).toBe(0o700);
    expect((await mode(join(dir, 'conversations.json'))) & 0o037).toBe(0);
    expect((await mode(join(dir, 'state.json'))) & 0o077).toBe(0);
    expect(await mode(join(dir, 'journal'))).toBe(0o700);
  });

  test('is left alone by a start and a stop without messages', async () => {
    const { dir, path } = await folderWith('{"alice": [ {"user":"a","bot":"b","timestamp":1.5} ]}');
    const before = await stat(path);
    for (let round = 0; round < 3; round++) await (await openStore(dir)).close();
    const after = await stat(path);
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
    expect(await readdir(join(dir, 'journal'))).toEqual([]);
  });

  test.each([
    ['an empty file', ''],
    ['an empty log', ' {} \n'],
    ['a byte order mark', '\ufeff{}'],
  ])('%s counts as a log without exchanges', async (_what, text) => {
    const { dir, path } = await folderWith(text);
    const store = await openStore(dir);
    await store.finish(exchange(user('alice')));
    await store.snapshot();
    expect([...(await readLog(path)).keys()]).toEqual(['alice']);
  });
});

describe('a log of the older form', () => {
  const older = {
    bob: [
      { user: 'one', bot: 'eins', timestamp: 1696614303.123, mood: 'good', usage: 'unknown', id: 7 },
      { user: 'one', bot: 'eins', timestamp: 1696614303.123 },
    ],
    anonymous: [{ user: 'secret', bot: 'told', timestamp: 1696614304 }],
    '10': [],
    '': [{ user: 'x', bot: null, timestamp: 0, session: 'mine' }],
  };

  test('is taken over as it is, with ids beside', async () => {
    const { dir, path } = await folderWith(JSON.stringify(older, null, 4));
    const store = await openStore(dir);
    await store.finish(exchange(user('new')));
    await store.snapshot();
    const log: unknown = JSON.parse(await readFile(path, 'utf8'));
    expect(log).toMatchObject({
      ...older,
      bob: [{ ...older.bob[0], id: expect.any(String), older_id: 7 }, older.bob[1]],
    });
    expect(await store.recent(user('bob'), { limit: 5 })).toHaveLength(2);
    expect(await store.recent(user(''), { limit: 5 })).toMatchObject([{ user: 'x', bot: null }]);
  });

  test('gives every exchange an id of its own, the same at each start and once it is rewritten', async () => {
    const { dir } = await folderWith(JSON.stringify(older));
    const ids = async (change: boolean): Promise<string[]> => {
      const store = await openStore(dir);
      const found = await store.recent(user('bob'), { limit: 5 });
      if (change) await store.finish(exchange(user('new')));
      await store.close();
      return found.map(({ id }) => id);
    };
    const first = await ids(false);
    expect(new Set(first).size).toBe(2);
    expect(await ids(true)).toEqual(first);
    expect(await ids(false)).toEqual(first);
  });

  test('tells its anonymous exchanges to no one', async () => {
    const { dir } = await folderWith(JSON.stringify(older));
    const store = await openStore(dir);
    for (const id of ['anonymous', '', 'undefined', 'null']) {
      expect(await store.recent(anonymous(id), { limit: 5 })).toEqual([]);
    }
    expect(await store.recent(user('anonymous'), { limit: 5 })).toEqual([]);
  });

  test('keeps users whose names are names of JavaScript, and an id that stands twice', async () => {
    const text =
      '{"__proto__":[{"user":"a","bot":"b","timestamp":1,"__proto__":{"x":1},"id":"i"}],' +
      '"constructor":[{"user":"c","bot":"d","timestamp":2,"id":"i"}]}';
    const { dir, path } = await folderWith(text);
    const store = await openStore(dir);
    await store.finish(exchange(user('new')));
    await store.snapshot();
    expect(await readFile(path, 'utf8')).toContain('"__proto__":{"x":1}');
    expect(await store.recent(user('__proto__'), { limit: 5 })).toMatchObject([{ id: 'i', user: 'a' }]);
    expect(await store.recent(user('constructor'), { limit: 5 })).toMatchObject([{ user: 'c' }]);
  });
});

describe('a log that is not valid', () => {
  const good = '{"user":"a","bot":"b","timestamp":1}';
  test.each([
    ['cut off', `{"a":[${good},\n{"user":"a","bo`, 'line 2'],
    ['cut off after a list', `{"a":[${good}]`, 'line 1'],
    ['followed by something', `{"a":[${good}]}\n\n}`, 'line 3'],
    ['a list', '[]', 'line 1'],
    ['a list that is not one', '{"a":\n{}}', 'line 2'],
    ['an exchange that is none', `{"a":[\n${good},\n7]}`, 'line 3'],
    ['a comma too much', `{"a":[${good},]}`, 'line 1'],
    ['a broken exchange', '{"a":[\n{"user":"a",,}]}', 'exchange 1 of "a"'],
    [
      'an exchange without its time',
      `{"a":[${good},{"user":"a","bot":"b"}]}`,
      'exchange 2 of "a": timestamp',
    ],
    ['a key without quotes', '{a:[]}', 'line 1'],
    ['a broken escape in a key', '{"\\x":[]}', 'line 1'],
    ['not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x5b, 0x5d, 0x7d]), 'UTF-8'],
  ])('stops the start with its place, and is not touched: %s', async (_what, text, place) => {
    const { dir, path } = await folderWith(text);
    const refused = await openStore(dir).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Error);
    expect(String(refused)).toContain(path);
    expect(String(refused)).toContain(place);
    expect(await readFile(path)).toEqual(Buffer.from(text));
    // Once it is mended the same process can open it: the lock was let go.
    await writeFile(path, '{}');
    await openStore(dir);
  });

  test('one that may not be read stops the start', async ({ skip }) => {
    const { dir, path } = await folderWith('{}');
    await chmod(path, 0);
    if (process.getuid?.() === 0) skip('root may read everything');
    await expect(openStore(dir)).rejects.toThrow(path);
  });
});

describe('the text of the log', () => {
  const logOf = (count: number, text = 'x'): LiveLog => {
    const log = new LiveLog();
    for (let i = 0; i < count; i++) {
      const json = JSON.stringify({ user: text, bot: null, timestamp: i, id: `${i}` });
      log.add({ id: `${i}`, key: 'big', session: undefined, timestamp: i, json });
    }
    return log;
  };

  test('is made in slices of at most 200 exchanges, also of one visitor', () => {
    const slices = [...conversationsText(logOf(1050).lanes())];
    expect(slices).toHaveLength(6);
    for (const slice of slices) expect(slice.toString().split('\n').length).toBeLessThanOrEqual(203);
    expect(JSON.parse(slices.join('')).big).toHaveLength(1050);
  });

  test('is made in shorter slices where exchanges are long', () => {
    const slices = [...conversationsText(logOf(50, 'x'.repeat(20_000)).lanes())];
    for (const slice of slices) expect(slice.length).toBeLessThan(200_000);
  });

  test('takes as many bytes as the log says', () => {
    const log = logOf(3);
    log.add({ id: 'z', key: 'zoë "🙂"', session: undefined, timestamp: 1, json: '{"user":"é🙂"}' });
    const bytes = Buffer.byteLength([...conversationsText(log.lanes())].join(''));
    expect(Math.abs(log.bytes - bytes)).toBeLessThan(10);
    log.remove(['0', '1', '2', 'z']);
    expect(log.bytes).toBe(4);
  });

  test('leaves out what arrived after it was begun', () => {
    const log = logOf(3);
    const until = log.nextSeq;
    log.add({ id: 'n', key: 'new', session: undefined, timestamp: 1, json: '{}' });
    log.add({ id: 'm', key: 'big', session: undefined, timestamp: 1, json: '{}' });
    const text = Buffer.from([...conversationsText(log.lanes(), until)].join(''));
    const found = [...findConversations(wholeText(text))];
    expect(found.filter(({ kind }) => kind === 'element').length).toBe(3);
    expect(found.map(({ key }) => key)).not.toContain('new');
  });
});
