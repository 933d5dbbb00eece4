import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Exchange } from '../../../src/chat/model.ts';
import { exchange, user } from '../../helpers/exchanges.ts';
import { idsOnDisk, memoryLogger, openStore, readLog, tempFolder } from './helper.ts';

const quick = { checkMs: 10, smallWaitMs: 10 };
const logIn = (dir: string): string => join(dir, 'conversations.json');

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
