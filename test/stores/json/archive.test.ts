import { appendFile, cp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Exchange } from '../../../src/chat/model.ts';
import { archiveLine } from '../../../src/stores/json/records.ts';
import { anonymous, exchange, user } from '../store-contract.ts';
import { idsOnDisk, openStore, readLog, tempFolder } from './helper.ts';

const at = (day: string): number => Date.parse(`${day}T12:00:00Z`) / 1000;
const long = (id: string, day: string): Exchange =>
  exchange(user(id), { bot: 'x'.repeat(800), timestamp: at(day) });
const several = (count: number, id: string, day: string): Exchange[] =>
  Array.from({ length: count }, () => long(id, day));
const ids = (exchanges: readonly { id: string }[]): string[] => exchanges.map(({ id }) => id);

test('the oldest exchanges move into the archive by month, and each is somewhere exactly once', async () => {
  const dir = await tempFolder();
  const store = await openStore(dir, { maxBytes: 20_000 });
  const all = [
    ...several(3, 'september', '2026-09-30'),
    ...several(3, 'both', '2026-10-01'),
    ...several(17, 'both', '2026-10-02'),
  ];
  for (const one of all) await store.finish(one);
  await store.snapshot();
  const size = (await stat(join(dir, 'conversations.json'))).size;
  expect(size).toBeLessThanOrEqual(15_000);
  expect(size).toBeGreaterThan(13_000);
  expect((await readdir(join(dir, 'archive'))).toSorted()).toEqual(['2026-09.json', '2026-10.json']);
  const september = await readLog(join(dir, 'archive', '2026-09.json'));
  expect(ids(september.get('september') ?? [])).toEqual(ids(all.slice(0, 3)));
  const { live, archived } = await idsOnDisk(dir);
  expect([...archived, ...live]).toEqual(ids(all));
  expect(ids(await store.recent(user('both'), { limit: 100 })).toReversed()).toEqual(live);
  expect(await store.recent(user('september'), { limit: 100 })).toEqual([]);
});

test('an archive file is never written twice', async () => {
  const dir = await tempFolder();
  const store = await openStore(dir, { maxBytes: 10_000 });
  const all = several(50, 'alice', '2026-10-02');
  const first = join(dir, 'archive', '2026-10.json');
  const inodes = new Set<number>();
  for (const one of all) {
    await store.finish(one);
    await store.snapshot();
    const found = await stat(first).catch(() => undefined);
    if (found) inodes.add(found.ino);
  }
  expect(inodes.size).toBe(1);
  expect(await readdir(join(dir, 'archive'))).toEqual(
    expect.arrayContaining(['2026-10-2.json', '2026-10-9.json']),
  );
  const { live, archived } = await idsOnDisk(dir);
  expect([...live, ...archived].toSorted()).toEqual(ids(all).toSorted());
});

test('conversations.json is never larger than its limit', async () => {
  const dir = await tempFolder();
  const store = await openStore(dir, { maxBytes: 10_000 });
  for (const one of several(40, 'alice', '2026-10-02')) {
    await store.finish(one);
    await store.snapshot();
    expect((await stat(join(dir, 'conversations.json'))).size).toBeLessThanOrEqual(10_000);
  }
});

test('the thread of a visitor of whom nothing is left in the live log is forgotten', async () => {
  const dir = await tempFolder();
  const store = await openStore(dir, { maxBytes: 10_000 });
  const session = exchange(anonymous('session'));
  const named = [long('gone', '2026-09-01'), session, long('stays', '2026-09-01')];
  for (const one of named) {
    await store.finish(one);
    store.setThread(one.visitor, { id: 'thread', madeBy: 'test' });
  }
  for (const one of several(10, 'stays', '2026-10-02')) await store.finish(one);
  await store.snapshot();
  expect(await store.thread(user('gone'))).toBeUndefined();
  expect(await store.thread(session.visitor)).toBeUndefined();
  expect(await store.recent(session.visitor, { limit: 1 })).toEqual([]);
  expect(await store.thread(user('stays'))).toEqual({ id: 'thread', madeBy: 'test' });
  expect((await readLog(join(dir, 'archive', '2026-01.json'))).get('anonymous')).toMatchObject([
    { id: session.id, session: 'session' },
  ]);
});

test('a time that is in no calendar does not keep an exchange out of the archive', async () => {
  const dir = await tempFolder();
  const store = await openStore(dir, { maxBytes: 2000 });
  for (const timestamp of [1e18, -1e12, 1.7e12]) {
    await store.finish(exchange(user('alice'), { timestamp, bot: 'x'.repeat(800) }));
  }
  await store.snapshot();
  expect(await readdir(join(dir, 'archive'))).toEqual(['undated.json']);
});

/** A folder as a crash leaves it right after it was promised which exchanges go into which files. */
const promised = async () => {
  const origin = await tempFolder();
  const store = await openStore(origin, { tuning: { smallWaitMs: 1e6 } });
  const september = several(2, 'alice', '2026-09-30');
  const october = several(2, 'alice', '2026-10-01');
  for (const one of september) await store.finish(one);
  await store.snapshot();
  for (const one of october) await store.finish(one);
  const dir = await tempFolder();
  await cp(origin, dir, { recursive: true });
  const [part] = await readdir(join(dir, 'journal'));
  const files = [
    { name: '2026-09.json', ids: ids(september) },
    { name: '2026-10.json', ids: ids(october).slice(0, 1) },
  ];
  await appendFile(join(dir, 'journal', part ?? ''), archiveLine({ files }));
  return { dir, september, october };
};

test('archiving that a crash cut off is finished at the next start, with the same files', async () => {
  const { dir, september, october } = await promised();
  const store = await openStore(dir);
  expect(ids(await store.recent(user('alice'), { limit: 9 }))).toEqual(ids(october.slice(1)));
  await store.close();
  expect(await idsOnDisk(dir)).toEqual({
    live: ids(october.slice(1)),
    archived: ids([...september, ...october.slice(0, 1)]),
  });
});

test('a file that was complete before the crash is not written again', async () => {
  const { dir, september } = await promised();
  await (await openStore(dir)).close();
  const before = join(dir, 'archive', '2026-09.json');
  const text = await readFile(before);
  const again = await promised();
  await cp(join(dir, 'archive'), join(again.dir, 'archive'), { recursive: true });
  await rm(join(again.dir, 'archive', '2026-10.json'));
  const { ino } = await stat(join(again.dir, 'archive', '2026-09.json'));
  await (await openStore(again.dir)).close();
  expect(await readFile(join(again.dir, 'archive', '2026-09.json'))).toEqual(text);
  expect((await stat(join(again.dir, 'archive', '2026-09.json'))).ino).toBe(ino);
  expect((await idsOnDisk(again.dir)).archived).toHaveLength(september.length + 1);
});

test('while the archive cannot be written the log grows beyond its limit, and shrinks afterwards', async () => {
  const dir = await tempFolder();
  await writeFile(join(dir, 'archive'), 'not a folder');
  const store = await openStore(dir, { maxBytes: 10_000 });
  const all = several(30, 'alice', '2026-10-02');
  for (const one of all) await store.finish(one);
  await store.snapshot();
  expect(store.health()).toEqual({ ok: true });
  expect((await readLog(join(dir, 'conversations.json'))).get('alice')).toHaveLength(30);
  await store.close();
  const again = await openStore(dir, { maxBytes: 10_000 });
  await rm(join(dir, 'archive'));
  await again.snapshot();
  const { live, archived } = await idsOnDisk(dir);
  expect(live.length).toBeLessThan(10);
  expect([...archived, ...live].toSorted()).toEqual(ids(all).toSorted());
});
