import { once } from 'node:events';
import { cp, link, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import { exchange, message, user } from '../../helpers/exchanges.ts';
import { startChild } from './child.ts';
import { eventually, idsInDatabase, memoryLogger, openStore, tempFolder } from './helper.ts';

const quick = { retryMs: 10, checkMs: 10, smallWaitMs: 10 };
const alice = user('alice');
const unavailable = { code: 'log_unavailable', status: 503 };

/** Puts another file where the database is, in one step: from then on nothing is written, not even by root. */
const displace = async (dir: string): Promise<() => Promise<void>> => {
  const database = join(dir, 'thread-proxy.db');
  await writeFile(join(dir, 'block'), 'in the way');
  await cp(database, join(dir, 'unused'));
  await link(database, join(dir, 'away'));
  await rename(join(dir, 'block'), database);
  return () => rename(join(dir, 'away'), database);
};

const settled = async (promise: Promise<unknown>): Promise<boolean> => {
  const pending = Symbol('pending');
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
};

describe('while nothing can be written', () => {
  test('messages are refused at once and finished exchanges wait; then all resumes', async () => {
    const dir = await tempFolder();
    const logger = memoryLogger();
    const store = await openStore(dir, { tuning: { ...quick, checkMs: 3 }, logger });
    const [first, waiting, later] = [exchange(alice), exchange(alice), exchange(alice)];
    await store.accept(waiting);
    await store.accept(first);
    await store.finish(first);
    const mend = await displace(dir);
    await eventually(() => !store.health().ok);
    expect(store.health()).toEqual({ ok: false, reason: expect.stringContaining('thread-proxy.db') });
    await expect(store.accept(message(alice))).rejects.toMatchObject(unavailable);
    const finishing = store.finish(waiting);
    expect(await store.recent(alice, { limit: 5 })).toEqual([waiting, first]);
    expect(await store.recent(alice, { limit: 5, before: waiting.id })).toEqual([first]);
    expect(await store.recent(alice, { limit: 5, before: first.id })).toEqual([]);
    expect(await store.exchange(waiting.id)).toEqual(waiting);
    expect(await store.unfinished(waiting.id)).toBeUndefined();
    store.setThread(alice, { id: 'thread', madeBy: 'test' });
    expect(await store.thread(alice)).toEqual({ id: 'thread', madeBy: 'test' });
    expect(await store.countMessage('2026-10-13')).toBe(1);
    await expect(store.markVerified('bob')).rejects.toMatchObject(unavailable);
    await expect(store.endToken('token', 4e9)).rejects.toMatchObject(unavailable);
    expect(await settled(finishing)).toBe(false);

    await mend();
    await finishing;
    await eventually(() => store.health().ok);
    expect(await store.endToken('token', 4e9)).toBe(true);
    await store.accept(later);
    await store.finish(later);
    await store.close();
    const again = await openStore(dir);
    expect(await again.recent(alice, { limit: 5 })).toEqual([later, waiting, first]);
    expect(await again.interrupted()).toEqual([]);
    expect(await again.thread(alice)).toEqual({ id: 'thread', madeBy: 'test' });
    expect(await again.countMessage('2026-10-13')).toBe(2);
    expect(await again.isVerified('bob')).toBe(false);
  });

  test('finished exchanges wait in bounded memory; beyond it they are refused and not kept', async () => {
    const dir = await tempFolder();
    const store = await openStore(dir, { tuning: { ...quick, maxPendingBytes: 5000 } });
    const mend = await displace(dir);
    await eventually(() => !store.health().ok);
    const all = Array.from({ length: 20 }, () => exchange(alice, { bot: 'x'.repeat(500) }));
    const results = Promise.allSettled(all.map((one) => store.finish(one)));
    const refused = await eventually(async () => {
      const kept = await store.recent(alice, { limit: 50 });
      return kept.length < 20 && kept.length > 3 ? kept : undefined;
    });
    await mend();
    const ended = await results;
    expect(ended.filter(({ status }) => status === 'fulfilled')).toHaveLength(refused.length);
    expect(ended.find(({ status }) => status === 'rejected')).toMatchObject({ reason: unavailable });
    expect(idsInDatabase(dir).toSorted()).toEqual(refused.map(({ id }) => id).toSorted());
    // Its memory is free again.
    for (let n = 0; n < 30; n++) await store.finish(exchange(alice, { bot: 'x'.repeat(500) }));
  });

  test('closing gives up, and says so', async () => {
    const dir = await tempFolder();
    const logger = memoryLogger();
    const store = await openStore(dir, { tuning: { ...quick, closeMs: 100 }, logger });
    const mend = await displace(dir);
    await eventually(() => !store.health().ok);
    const lost = expect(store.finish(exchange(alice))).rejects.toMatchObject(unavailable);
    await store.close();
    await lost;
    expect(logger.lines).toContain('error: closed with exchanges that could not be written');
    await expect(store.accept(message(alice))).rejects.toMatchObject(unavailable);
    await expect(store.finish(exchange(alice))).rejects.toMatchObject(unavailable);
    await mend();
    await openStore(dir);
  });

  test('because another process writes to the database, it is waited for', async () => {
    const dir = await tempFolder();
    const store = await openStore(dir, { tuning: { ...quick, stallMs: 50 } });
    await store.finish(exchange(alice));
    const other = new DatabaseSync(join(dir, 'thread-proxy.db'));
    onTestFinished(() => other.close());
    other.exec('BEGIN IMMEDIATE');
    const waiting = exchange(alice);
    const finishing = store.finish(waiting);
    await eventually(() => !store.health().ok);
    expect(store.health()).toEqual({ ok: false, reason: expect.stringContaining('has not returned') });
    await expect(store.accept(message(alice))).rejects.toMatchObject(unavailable);
    other.exec('ROLLBACK');
    await finishing;
    expect(store.health()).toEqual({ ok: true });
    expect(await store.recent(alice, { limit: 1 })).toEqual([waiting]);
  });
});

test('on a full disk nothing that was acknowledged is lost, and what was refused leaves no trace', async () => {
  const dir = await tempFolder();
  const child = startChild('full-child.ts', [dir], 'ulimit -f 1300');
  await child.ended;
  expect(child.errors()).toBe('');
  const end = child.lines.at(-1) ?? '';
  expect(end).toMatch(/^end [1-9]\d* true$/);
  const refused = child.lines.filter((line) => line.startsWith('r '));
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.every((line) => line.endsWith(' log_unavailable.'))).toBe(true);
  const finished = child.lines.filter((line) => line.startsWith('f ')).map((line) => line.split(' ')[1]);
  expect(finished).toHaveLength(600);
  const logger = memoryLogger();
  const store = await openStore(dir, { logger });
  expect(await store.interrupted()).toEqual([]);
  await store.close();
  expect(idsInDatabase(dir).toSorted()).toEqual(finished.toSorted());
  expect(logger.lines.filter((line) => line.startsWith('error'))).toEqual([]);
});

describe('the writer’s thread', () => {
  /** A store, and its writer once it runs. */
  const watched = async (dir: string, tuning = quick, logger = memoryLogger()) => {
    const writers: Worker[] = [];
    const onWorker = (worker: Worker): void => void writers.push(worker);
    process.on('worker', onWorker);
    onTestFinished(() => void process.off('worker', onWorker));
    const store = await openStore(dir, { tuning, logger });
    await store.finish(exchange(alice));
    const writer = () => writers.filter(({ threadName }) => threadName === 'store writer').at(-1);
    return { store, logger, writer };
  };

  test('that is killed is started again; meanwhile messages are refused, and nothing finished is lost or doubled', async () => {
    const dir = await tempFolder();
    const { store, logger, writer } = await watched(dir);
    const kept: string[] = idsInDatabase(dir);
    for (let round = 0; round < 5; round++) {
      const all = Array.from({ length: 50 }, () => exchange(alice));
      const refused = message(alice);
      const finishing = all.map((one) => store.finish(one));
      const accepting = store.accept(refused).then(
        () => true,
        (error) => expect(error).toMatchObject(unavailable),
      );
      if (round % 2 > 0) await new Promise((resolve) => setTimeout(resolve, round));
      await writer()?.terminate();
      await Promise.all(finishing);
      kept.push(...all.map(({ id }) => id));
      if ((await accepting) !== true) {
        await store
          .finish(exchange(alice))
          .then(async () => kept.push((await store.recent(alice, { limit: 1 }))[0]?.id ?? ''));
        expect(await store.unfinished(refused.id)).toBeUndefined();
      } else await store.finish({ ...refused, bot: 'Yes' }).then(() => kept.push(refused.id));
    }
    expect(store.health()).toEqual({ ok: true });
    await store.close();
    expect(idsInDatabase(dir).toSorted()).toEqual(kept.toSorted());
    const again = await openStore(dir);
    expect(await again.interrupted()).toEqual([]);
    expect(logger.lines).toContain('info: the database can be written again');
  });

  test('that dies while nothing is written is not missed', async () => {
    // Nor is conversations.json written.
    const { store, writer } = await watched(await tempFolder(), { ...quick, smallWaitMs: 1e6 });
    const dead = writer();
    if (!dead) throw new Error('no writer was seen');
    void dead.terminate();
    await once(dead, 'exit');
    const one = exchange(alice);
    await store.accept(one);
    await store.finish(one);
    expect(writer()).not.toBe(dead);
  });
});

describe('a data folder', () => {
  test('that is deleted under a running store is made again with all that it held', async () => {
    const dir = await tempFolder();
    const store = await openStore(dir, { tuning: quick });
    const before = exchange(alice);
    await store.finish(before);
    await store.updateCopy();
    // The store makes it again at once, it may be while it is still being deleted.
    await rm(dir, { recursive: true, maxRetries: 10, retryDelay: 20 });
    await eventually(async () => (await readdir(dir).catch((): string[] => [])).includes('thread-proxy.db'));
    await eventually(() => store.health().ok);
    const after = exchange(alice);
    await store.finish(after);
    expect(await store.recent(alice, { limit: 5 })).toEqual([after, before]);
    await eventually(async () => (await readdir(dir)).includes('conversations.json'));
    await expect(openStore(dir)).rejects.toThrow('in use');
    await store.close();
    expect(await (await openStore(dir)).recent(alice, { limit: 5 })).toEqual([after, before]);
  });

  test('that was replaced and is now another process’s is left to it', async () => {
    const root = await tempFolder();
    const dir = join(root, 'data');
    const store = await openStore(dir, { tuning: quick });
    await store.finish(exchange(alice));
    await rename(dir, join(root, 'away'));
    const other = startChild('open-child.ts', [dir]);
    expect(await eventually(() => other.lines[0])).toMatch(/^open|in use/);
    // Whoever was first has the new folder; never both.
    if (other.lines[0] !== 'open') return;
    await eventually(() => !store.health().ok);
    await expect(store.accept(message(alice))).rejects.toMatchObject(unavailable);
    await other.kill();
  });

  test('that cannot be made stops the start with its name and the system’s reason', async () => {
    const dir = await tempFolder();
    await writeFile(join(dir, 'file'), '');
    await expect(openStore(join(dir, 'file', 'data'))).rejects.toThrow(
      `The data folder ${join(dir, 'file', 'data')} cannot be made: ENOTDIR`,
    );
    await mkdir(join(dir, 'folder', 'lock.db'), { recursive: true });
    await expect(openStore(join(dir, 'folder'))).rejects.toThrow(
      `The data folder ${join(dir, 'folder')} cannot be written: EISDIR`,
    );
  });
});
