import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Exchange } from '../../../src/chat/model.ts';
import { anonymous, exchange, user } from '../store-contract.ts';
import { eventually, idsOnDisk, memoryLogger, openStore, readLog, tempFolder } from './helper.ts';

const quick = { checkMs: 10, smallWaitMs: 10 };
const logIn = (dir: string): string => join(dir, 'conversations.json');
const textIn = (dir: string): Promise<string> => readFile(logIn(dir), 'utf8');

describe('conversations.json', () => {
  test('holds all of each exchange under its user, and anonymous ones with their session', async () => {
    const dir = await tempFolder();
    const store = await openStore(dir);
    const named = exchange(user('user123'), { name: 'Ann', sources: [{ n: 1, title: 'Returns' }] });
    const verified = exchange({ kind: 'verified', id: 'user123' }, { bot: null, error: 'upstream_failed' });
    const unnamed = exchange(anonymous('session-1'), {
      ...{ truncated: true, usage: { input: 1, output: 2 }, flagged: ['spam'] },
      run: { backend: 'responses', totalMs: 12, tools: ['look_up'] },
    });
    for (const one of [named, verified, unnamed]) await store.finish(one);
    await store.setFeedback(named.id, named.visitor, { rating: 'up', comment: 'Good' });
    await store.updateCopy();
    const line = ({ visitor: _, ...rest }: Exchange) => rest;
    expect(JSON.parse(await textIn(dir))).toEqual({
      user123: [
        { ...line(named), feedback: { rating: 'up', comment: 'Good' } },
        { ...line(verified), verified: true },
      ],
      anonymous: [{ ...line(unnamed), session: 'session-1' }],
    });
  });

  test('is there, and empty, before the first exchange', async () => {
    const dir = await tempFolder();
    await (await openStore(dir)).close();
    expect(await textIn(dir)).toBe('{\n}\n');
  });

  test('has an exchange soon after it was finished', async () => {
    const dir = await tempFolder();
    const store = await openStore(dir);
    const one = exchange(user('alice'));
    await store.finish(one);
    await eventually(async () => (await textIn(dir).catch(() => '')).includes(one.id), 2000);
  });

  test('may be read by the group at most, and all beside it by us alone', async () => {
    const dir = join(await tempFolder(), 'made', 'on', 'the way');
    const store = await openStore(dir);
    await store.finish(exchange(user('alice')));
    await store.updateCopy();
    const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;
    expect(await mode(dir)).toBe(0o700);
    expect((await mode(logIn(dir))) & 0o037).toBe(0);
    const names = (await readdir(dir)).filter((name) => /\.db/.test(name));
    expect(names).toEqual(expect.arrayContaining(['lock.db', 'thread-proxy.db', 'thread-proxy.db-wal']));
    for (const name of names) expect([name, await mode(join(dir, name))]).toEqual([name, 0o600]);
  });

  test('is left alone by a start and a stop without messages', async () => {
    const dir = await tempFolder();
    const first = await openStore(dir);
    await first.finish(exchange(user('alice')));
    await first.close();
    const before = await stat(logIn(dir));
    for (let round = 0; round < 2; round++) await (await openStore(dir)).close();
    const after = await stat(logIn(dir));
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
  });

  test.each([
    ['deleted', (path: string) => rm(path)],
    ['emptied', (path: string) => writeFile(path, '')],
  ])('that is %s comes back, with a warning, while the service runs and at a start', async (_, spoil) => {
    const dir = await tempFolder();
    const logger = memoryLogger();
    const store = await openStore(dir, { tuning: quick, logger });
    const one = exchange(user('alice'));
    await store.finish(one);
    const isThere = async () => (await textIn(dir).catch(() => '')).includes(one.id);
    await eventually(isThere);
    await spoil(logIn(dir));
    await eventually(isThere);
    await store.close();
    await spoil(logIn(dir));
    const again = await openStore(dir, { tuning: quick, logger });
    await eventually(isThere);
    await again.close();
    expect(
      logger.lines.filter((line) => /^warn: .*(missing|empty): it is written again/.test(line)),
    ).toHaveLength(2);
    expect(await readdir(dir)).not.toContainEqual(expect.stringContaining('edited'));
  });

  test('that somebody has edited is kept aside, with a warning, and never merged', async () => {
    const dir = await tempFolder();
    const logger = memoryLogger();
    const store = await openStore(dir, { tuning: quick, logger });
    const one = exchange(user('alice'));
    await store.finish(one);
    await eventually(async () => (await textIn(dir).catch(() => '')).includes(one.id));
    const edited = (await textIn(dir)).replace('Hello there!', 'Forged.');
    await writeFile(logIn(dir), edited);
    const aside = async () => (await readdir(dir)).filter((name) => name.startsWith('conversations.edited-'));
    await eventually(async () => (await aside()).length === 1);
    await eventually(async () => (await textIn(dir).catch(() => '')).includes('Hello there!'));
    await store.close();
    // Edited while nothing runs.
    await writeFile(logIn(dir), edited);
    const again = await openStore(dir, { tuning: quick, logger });
    await eventually(async () => (await aside()).length === 2);
    expect(await again.recent(user('alice'), { limit: 5 })).toEqual([one]);
    await again.close();
    for (const name of await aside()) expect(await readFile(join(dir, name), 'utf8')).toBe(edited);
    expect(
      logger.lines.filter((line) => line.startsWith('warn: conversations.json was changed')),
    ).toHaveLength(2);
  });

  test('that cannot be written is warned of once and tried again, and the store stays well', async () => {
    const dir = await tempFolder();
    const logger = memoryLogger();
    const store = await openStore(dir, { tuning: quick, logger });
    await store.updateCopy();
    await mkdir(join(dir, 'conversations.json.tmp', 'in the way'), { recursive: true });
    for (let i = 0; i < 5; i++) {
      await store.finish(exchange(user('alice')));
      await expect(store.updateCopy()).rejects.toThrow();
    }
    expect(store.health()).toEqual({ ok: true });
    expect(logger.lines.filter((line) => line.startsWith('warn'))).toEqual([
      'warn: conversations.json not written; retrying',
    ]);
    await rm(join(dir, 'conversations.json.tmp'), { recursive: true });
    await eventually(async () => (await idsOnDisk(dir)).live.length === 5);
  });
});

describe('the archive', () => {
  const at = (day: string): number => Date.parse(`${day}T12:00:00Z`) / 1000;
  const several = (count: number, id: string, day: string): Exchange[] =>
    Array.from({ length: count }, () => exchange(user(id), { bot: 'x'.repeat(800), timestamp: at(day) }));
  const ids = (exchanges: readonly { id: string }[]): string[] => exchanges.map(({ id }) => id);

  test('gets the oldest exchanges by month, each once, and history still reaches them', async () => {
    const dir = await tempFolder();
    const store = await openStore(dir, { maxBytes: 20_000 });
    const all = [
      ...several(3, 'september', '2026-09-30'),
      ...several(3, 'both', '2026-10-01'),
      ...several(17, 'both', '2026-10-02'),
    ];
    for (const one of all) await store.finish(one);
    await store.updateCopy();
    const size = (await stat(logIn(dir))).size;
    expect(size).toBeLessThanOrEqual(15_100);
    expect(size).toBeGreaterThan(13_000);
    expect((await readdir(join(dir, 'archive'))).toSorted()).toEqual(['2026-09.json', '2026-10.json']);
    const september = await readLog(join(dir, 'archive', '2026-09.json'));
    expect(ids(september.get('september') ?? [])).toEqual(ids(all.slice(0, 3)));
    const { live, archived } = await idsOnDisk(dir);
    expect([...archived, ...live]).toEqual(ids(all));
    expect(ids(await store.recent(user('both'), { limit: 100 })).toReversed()).toEqual(ids(all.slice(3)));
    expect(await store.recent(user('september'), { limit: 100 })).toHaveLength(3);
  });

  test('keeps conversations.json below its limit all the time, in new files', async () => {
    const dir = await tempFolder();
    const store = await openStore(dir, { maxBytes: 10_000 });
    const all = several(40, 'alice', '2026-10-02');
    for (const one of all) {
      await store.finish(one);
      await store.updateCopy();
      expect((await stat(logIn(dir))).size).toBeLessThanOrEqual(10_000);
    }
    expect(await readdir(join(dir, 'archive'))).toEqual(
      expect.arrayContaining(['2026-10.json', '2026-10-2.json', '2026-10-8.json']),
    );
    const { live, archived } = await idsOnDisk(dir);
    expect([...live, ...archived].toSorted()).toEqual(ids(all).toSorted());
  });

  test('has a place for a time that no calendar knows', async () => {
    const dir = await tempFolder();
    const store = await openStore(dir, { maxBytes: 2000 });
    for (const timestamp of [1e18, -1e12, 1.7e12]) {
      await store.finish(exchange(user('alice'), { timestamp, bot: 'x'.repeat(800) }));
    }
    await store.updateCopy();
    expect(await readdir(join(dir, 'archive'))).toEqual(['undated.json']);
  });

  test('gets a file back that was deleted, and feedback that came later', async () => {
    const dir = await tempFolder();
    const store = await openStore(dir, { maxBytes: 5000 });
    const all = several(10, 'alice', '2026-10-02');
    for (const one of all) await store.finish(one);
    await store.updateCopy();
    const file = join(dir, 'archive', '2026-10.json');
    await rm(file);
    await store.setFeedback(all[0]?.id ?? '', user('alice'), { rating: 'down' });
    await store.updateCopy();
    expect((await readLog(file)).get('alice')?.[0]).toMatchObject({
      id: all[0]?.id,
      feedback: { rating: 'down' },
    });
  });

  test('loses what its visitor erased, as every file does', async () => {
    const dir = await tempFolder();
    const store = await openStore(dir, { maxBytes: 5000 });
    const secret = (n: number) =>
      exchange(user('alice'), {
        user: `SECRET-${n}`,
        bot: 'SECRET '.repeat(150),
        timestamp: at('2026-10-02'),
      });
    const others = several(5, 'bob', '2026-10-02');
    for (const one of [...Array.from({ length: 5 }, (_, n) => secret(n)), ...others]) await store.finish(one);
    await store.updateCopy();
    await store.finish(secret(5));
    await store.setFeedback(others[0]?.id ?? '', user('bob'), { rating: 'up' });
    await store.clear(user('alice'), false);
    const files = (await readdir(dir, { recursive: true, withFileTypes: true })).filter((one) =>
      one.isFile(),
    );
    expect(files.length).toBeGreaterThan(4);
    for (const { parentPath, name } of files) {
      expect((await readFile(join(parentPath, name))).includes('SECRET'), name).toBe(false);
    }
    const { live, archived } = await idsOnDisk(dir);
    expect([...live, ...archived].toSorted()).toEqual(ids(others).toSorted());
  });

  test('that cannot be written lets the log grow beyond its limit, until it can', async () => {
    const dir = await tempFolder();
    const logger = memoryLogger();
    const store = await openStore(dir, { maxBytes: 5000, tuning: quick, logger });
    await writeFile(join(dir, 'archive'), 'in the way');
    const all = several(20, 'alice', '2026-10-02');
    for (const one of all) await store.finish(one);
    await store.updateCopy();
    expect((await readLog(logIn(dir))).get('alice')).toHaveLength(20);
    await rm(join(dir, 'archive'));
    await store.updateCopy();
    const { live, archived } = await idsOnDisk(dir);
    expect([...archived, ...live].toSorted()).toEqual(ids(all).toSorted());
    expect(archived.length).toBeGreaterThan(10);
    expect(logger.lines.filter((line) => line.startsWith('warn'))).toEqual([
      'warn: the archive cannot be written; retrying',
    ]);
  });
});
