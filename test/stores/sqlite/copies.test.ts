import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Exchange } from '../../../src/chat/model.ts';
import { anonymous, exchange, user } from '../../helpers/exchanges.ts';
import { eventually, idsOnDisk, memoryLogger, openStore, tempFolder } from './helper.ts';

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

  test('may be read by us alone, and so may all beside it', async () => {
    const dir = join(await tempFolder(), 'made', 'on', 'the way');
    const store = await openStore(dir);
    await store.finish(exchange(user('alice')));
    await store.updateCopy();
    const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;
    expect(await mode(dir)).toBe(0o700);
    expect(await mode(logIn(dir))).toBe(0o600);
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
