import { cp, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { JsonStore } from '../../../src/stores/json/json-store.ts';
import { exchange, message, user } from '../store-contract.ts';
import { startChild } from './child.ts';
import { eventually, idsOnDisk, memoryLogger, openStore, readLog, tempFolder } from './helper.ts';

const quick = { retryMs: 10, checkMs: 10, smallWaitMs: 10 };
const alice = user('alice');
const unavailable = { code: 'log_unavailable', status: 503 };

/** Puts a plain file where the journal's folder is: from then on nothing can be written there, even by root. */
const breakJournal = async (dir: string, store: JsonStore): Promise<() => Promise<void>> => {
  const journal = join(dir, 'journal');
  await rename(journal, join(dir, 'journal.away'));
  await writeFile(journal, 'in the way');
  await eventually(() => !store.health().ok);
  return async () => {
    await rm(journal);
    await rename(join(dir, 'journal.away'), journal);
  };
};

const settled = async (promise: Promise<unknown>): Promise<boolean> => {
  const pending = Symbol('pending');
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
};

test('while nothing can be written, messages are refused at once and finished exchanges wait; then all resumes', async () => {
  const dir = await tempFolder();
  const logger = memoryLogger();
  const store = await openStore(dir, { tuning: quick, logger });
  const [first, waiting, later] = [exchange(alice), exchange(alice), exchange(alice)];
  await store.accept(waiting);
  await store.accept(first);
  await store.finish(first);
  const mend = await breakJournal(dir, store);
  expect(store.health()).toEqual({ ok: false, reason: expect.stringContaining('journal') });

  await expect(store.accept(message(alice))).rejects.toMatchObject(unavailable);
  const finishing = store.finish(waiting);
  expect(await store.recent(alice, { limit: 5 })).toEqual([waiting, first]);
  store.setThread(alice, { id: 'thread', madeBy: 'test' });
  expect(await store.countMessage('2026-10-13')).toBe(1);
  expect(await settled(finishing)).toBe(false);

  await mend();
  await finishing;
  expect(store.health()).toEqual({ ok: true });
  await store.accept(later);
  await store.finish(later);
  await store.close();
  const complaints = logger.lines.filter((line) => line.startsWith('error'));
  expect(complaints).toEqual(['error: the journal cannot be written; trying again']);

  const again = await openStore(dir);
  expect(await again.recent(alice, { limit: 5 })).toEqual([later, waiting, first]);
  expect(await again.interrupted()).toEqual([]);
  expect(await again.thread(alice)).toEqual({ id: 'thread', madeBy: 'test' });
  expect(await again.countMessage('2026-10-13')).toBe(2);
});

test('finished exchanges wait in bounded memory; beyond it they are refused and not kept', async () => {
  const dir = await tempFolder();
  const store = await openStore(dir, { tuning: { ...quick, maxPendingBytes: 5000 } });
  const mend = await breakJournal(dir, store);
  const all = Array.from({ length: 20 }, () => exchange(alice, { bot: 'x'.repeat(500) }));
  const results = Promise.allSettled(all.map((one) => store.finish(one)));
  const kept = await store.recent(alice, { limit: 50 });
  expect(kept.length).toBeGreaterThan(3);
  expect(kept.length).toBeLessThan(12);
  await mend();
  const ended = await results;
  expect(ended.filter(({ status }) => status === 'fulfilled')).toHaveLength(kept.length);
  expect(ended.find(({ status }) => status === 'rejected')).toMatchObject({ reason: unavailable });
  await store.close();
  expect((await idsOnDisk(dir)).live.toSorted()).toEqual(kept.map(({ id }) => id).toSorted());
});

test('a data folder that is deleted under a running store is made anew with all that it held', async () => {
  const dir = await tempFolder();
  const store = await openStore(dir, { tuning: quick });
  const before = exchange(alice);
  await store.finish(before);
  await store.snapshot();
  await rm(dir, { recursive: true });
  await eventually(async () => (await readdir(join(dir, 'journal')).catch(() => [])).length > 0);
  await eventually(() => store.health().ok);
  const after = exchange(alice);
  await store.finish(after);
  await eventually(async () => {
    const log = await readLog(join(dir, 'conversations.json')).catch(() => undefined);
    return log?.get('alice')?.length === 2;
  });
  await expect(openStore(dir)).rejects.toThrow('in use');
  const image = await tempFolder();
  // A snapshot may be on its way: its file comes and goes.
  await cp(dir, image, { recursive: true, filter: (source) => !source.endsWith('.tmp') });
  expect(await (await openStore(image)).recent(alice, { limit: 5 })).toEqual([after, before]);
});

test('a folder that was replaced and is now another process’s is left to it', async () => {
  const root = await tempFolder();
  const dir = join(root, 'data');
  const store = await openStore(dir, { tuning: quick });
  await store.finish(exchange(alice));
  await rename(dir, join(root, 'away'));
  const other = startChild('open-child.ts', [dir]);
  expect(await eventually(() => other.lines[0])).toMatch(/^open|in use/);
  // Whoever was first has the new folder; never both.
  if (other.lines[0] === 'open') {
    await eventually(() => !store.health().ok);
    const names = await readdir(join(dir, 'journal'));
    await expect(store.accept(message(alice))).rejects.toMatchObject(unavailable);
    await eventually(() => {
      const health = store.health();
      return !health.ok && health.reason.includes('in use by another process');
    });
    expect(await readdir(join(dir, 'journal'))).toEqual(names);
    await other.kill();
    await eventually(() => store.health().ok);
  }
  await store.finish(exchange(alice));
});

test('a store that cannot write its journal at the start is read all the same, and begins to write by itself', async () => {
  const dir = await tempFolder();
  const first = await openStore(dir);
  const [old, cut] = [exchange(alice), message(alice)];
  await first.finish(old);
  await first.accept(cut);
  await first.close();
  await rm(join(dir, 'journal'), { recursive: true });
  await writeFile(join(dir, 'journal'), 'in the way');

  const store = await openStore(dir, { tuning: quick });
  expect(store.health().ok).toBe(false);
  expect(await store.recent(alice, { limit: 5 })).toEqual([old]);
  expect(await store.interrupted()).toEqual([cut]);
  await expect(store.accept(message(alice))).rejects.toMatchObject(unavailable);
  await rm(join(dir, 'journal'));
  await eventually(() => store.health().ok);
  const more = exchange(alice);
  await store.accept(more);
  await store.finish(more);
  expect(await store.recent(alice, { limit: 5 })).toEqual([more, old]);
});

test('a journal that comes back only after the start is read before anything is written', async () => {
  const dir = await tempFolder();
  const store = await openStore(dir, { tuning: { smallWaitMs: 1e6 } });
  const [done, cut] = [exchange(alice), message(alice)];
  await store.finish(done);
  await store.accept(cut);
  const image = await tempFolder();
  // A snapshot may be on its way: its file comes and goes.
  await cp(dir, image, { recursive: true, filter: (source) => !source.endsWith('.tmp') });
  await rename(join(image, 'journal'), join(image, 'journal.away'));
  await writeFile(join(image, 'journal'), 'in the way');
  const late = await openStore(image, { tuning: quick });
  // In one step, or the store could find no journal at all in between, and make one.
  await symlink('journal.away', join(image, 'journal.back'));
  await rename(join(image, 'journal.back'), join(image, 'journal'));
  await eventually(() => late.health().ok);
  expect(await late.recent(alice, { limit: 5 })).toEqual([done]);
  expect(await late.interrupted()).toEqual([cut]);
  await late.close();
  expect((await idsOnDisk(image)).live).toEqual([done.id]);
});

test('a data folder that cannot be made stops the start with its name', async () => {
  const dir = await tempFolder();
  await writeFile(join(dir, 'file'), '');
  await expect(openStore(join(dir, 'file', 'data'))).rejects.toThrow(join(dir, 'file', 'data'));
  await expect(openStore(join(dir, 'file'))).rejects.toThrow(join(dir, 'file'));
});

test('a snapshot that fails is warned of once and tried again, and the store stays well', async () => {
  const dir = await tempFolder();
  const logger = memoryLogger();
  const store = await openStore(dir, { tuning: quick, logger });
  await mkdir(join(dir, 'conversations.json.tmp', 'in the way'), { recursive: true });
  for (let i = 0; i < 5; i++) {
    await store.finish(exchange(alice));
    await expect(store.snapshot()).rejects.toThrow();
  }
  expect(store.health()).toEqual({ ok: true });
  expect(logger.lines.filter((line) => line.startsWith('warn'))).toEqual([
    'warn: a snapshot could not be written; trying again',
  ]);
  await rm(join(dir, 'conversations.json.tmp'), { recursive: true });
  await eventually(async () => (await idsOnDisk(dir).catch(() => undefined))?.live.length === 5);
});

test('closing gives up on a disk that stays broken, and says so', async () => {
  const dir = await tempFolder();
  const logger = memoryLogger();
  const store = await openStore(dir, { tuning: { ...quick, closeMs: 100 }, logger });
  await breakJournal(dir, store);
  const lost = expect(store.finish(exchange(alice))).rejects.toMatchObject(unavailable);
  await store.close();
  await lost;
  expect(logger.lines).toContain('error: closed with exchanges that could not be written');
  await expect(store.accept(message(alice))).rejects.toMatchObject(unavailable);
  await expect(store.finish(exchange(alice))).rejects.toMatchObject(unavailable);
  await rm(join(dir, 'journal'));
  await openStore(dir);
});

test('on a full disk nothing that was acknowledged is lost, and what was refused leaves no trace', async () => {
  const dir = await tempFolder();
  const child = startChild('full-child.ts', [dir], 'ulimit -f 64');
  await child.ended;
  expect(child.errors()).toBe('');
  const end = child.lines.at(-1) ?? '';
  expect(end).toMatch(/^end \d+ true$/);
  const refused = child.lines.filter((line) => line.startsWith('r '));
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.every((line) => line.endsWith(' log_unavailable.'))).toBe(true);
  const finished = child.lines.filter((line) => line.startsWith('f ')).map((line) => line.split(' ')[1]);
  expect(finished).toHaveLength(600);

  const logger = memoryLogger();
  const store = await openStore(dir, { logger });
  expect(await store.interrupted()).toEqual([]);
  await store.close();
  expect((await idsOnDisk(dir)).live.toSorted()).toEqual(finished.toSorted());
  expect(logger.lines.filter((line) => line.startsWith('error'))).toEqual([]);
});
