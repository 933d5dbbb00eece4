import { watch } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { exchange, user } from '../store-contract.ts';
import { eventually, openStore, readLog, tempFolder } from './helper.ts';

/** Writes a log of so many exchanges of about 600 bytes; `big` of them by one visitor. */
const largeLog = async (path: string, count: number, big: number): Promise<void> => {
  const bot = 'An answer of some length that explains a thing. '.repeat(8);
  const log = new Map<string, object[]>();
  for (let i = 0; i < count; i++) {
    const key = i < big ? 'big' : `visitor-${i % 1000}`;
    const list = log.get(key) ?? [];
    list.push({ user: `Question ${i}`.padEnd(100, '?'), bot, timestamp: 1.7e9 + i, id: `id-${i}` });
    log.set(key, list);
  }
  await writeFile(path, JSON.stringify(Object.fromEntries(log)));
};

test('an exchange is in conversations.json at most 2 seconds after it was finished', async () => {
  const dir = await tempFolder();
  const store = await openStore(dir);
  for (let round = 0; round < 3; round++) {
    const one = exchange(user('alice'));
    await store.finish(one);
    await eventually(async () => {
      const log = await readLog(join(dir, 'conversations.json')).catch(() => undefined);
      return log?.get('alice')?.some(({ id }) => id === one.id);
    }, 2000);
  }
});

test('nothing is rewritten while nothing changes', async () => {
  const dir = await tempFolder();
  const store = await openStore(dir, { tuning: { smallWaitMs: 10, checkMs: 10 } });
  await store.finish(exchange(user('alice')));
  await store.snapshot();
  const files = ['conversations.json', 'state.json'].map((name) => join(dir, name));
  const inodes = () => Promise.all(files.map(async (path) => (await stat(path)).ino));
  const before = await inodes();
  const renames: string[] = [];
  const watcher = watch(dir, (_event, name) => renames.push(String(name)));
  for (let round = 0; round < 3; round++) await store.snapshot();
  await sleep(100);
  watcher.close();
  expect(await inodes()).toEqual(before);
  expect(renames).toEqual([]);
});

test('threads and counts alone do not rewrite the log, but are in the last snapshot', async () => {
  const dir = await tempFolder();
  const path = join(dir, 'conversations.json');
  const store = await openStore(dir);
  await store.finish(exchange(user('alice')));
  await store.snapshot();
  const { ino } = await stat(path);
  store.setThread(user('alice'), { id: 'thread', madeBy: 'test' });
  await store.countMessage('2026-10-13');
  await store.close();
  expect((await stat(path)).ino).toBe(ino);
  expect(await readFile(join(dir, 'state.json'), 'utf8')).toContain('"u:alice"');
});

test('threads and counts of a later run are in its last snapshot too', async () => {
  const dir = await tempFolder();
  await (await openStore(dir)).close();
  const store = await openStore(dir);
  store.setThread(user('alice'), { id: 'thread', madeBy: 'test' });
  await store.close();
  expect(await readFile(join(dir, 'state.json'), 'utf8')).toContain('"u:alice"');
  expect(await readdir(join(dir, 'journal'))).toEqual([]);
});

test('a log that was taken away is written again', async () => {
  const dir = await tempFolder();
  const path = join(dir, 'conversations.json');
  const store = await openStore(dir, { tuning: { smallWaitMs: 10, checkMs: 10 } });
  const one = exchange(user('alice'));
  await store.finish(one);
  await store.snapshot();
  await rm(path);
  const log = await eventually(() => readLog(path).catch(() => undefined));
  expect(log.get('alice')).toMatchObject([{ id: one.id }]);
});

test('the event loop hardly waits while a large log is written, also where one visitor holds half of it', async () => {
  const dir = await tempFolder();
  await largeLog(join(dir, 'conversations.json'), 40_000, 20_000);
  const store = await openStore(dir);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  for (let round = 0; round < 5; round++) {
    await store.finish(exchange(user('big')));
    await store.snapshot();
  }
  delay.disable();
  // Measured with the timer's own millisecond; the bound leaves room for a busy test machine.
  expect(delay.percentile(99) / 1e6).toBeLessThan(15);
  const newest = await store.recent(user('big'), { limit: 6 });
  expect(newest.at(-1)?.id).toBe('id-19999');
});

test('a page of a visitor with very many exchanges takes no longer than one of few', async () => {
  const dir = await tempFolder();
  await largeLog(join(dir, 'conversations.json'), 50_000, 50_000);
  const store = await openStore(dir);
  const start = performance.now();
  for (let i = 0; i < 1000; i++) {
    const [one] = await store.recent(user('big'), { limit: 1, before: `id-${25_000 + i}` });
    expect(one?.id).toBe(`id-${24_999 + i}`);
  }
  expect(performance.now() - start).toBeLessThan(1000);
});
