import { appendFile, cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { JsonStore } from '../../../src/stores/json/json-store.ts';
import { exchange, user } from '../store-contract.ts';
import { idsOnDisk, memoryLogger, openStore, tempFolder } from './helper.ts';

const quiet = { smallWaitMs: 1e6 };

/** A folder as a crash leaves it: two exchanges of alice in the journal, not yet in the log. */
const crashed = async () => {
  const dir = await tempFolder();
  const store = await openStore(dir, { tuning: quiet });
  const all = [exchange(user('alice')), exchange(user('alice'))];
  for (const one of all) await store.finish(one);
  const image = await tempFolder();
  await cp(dir, image, { recursive: true });
  const names = await readdir(join(image, 'journal'));
  expect(names).toHaveLength(1);
  return { dir: image, all, part: join(image, 'journal', names[0] ?? '') };
};

const alices = async (store: JsonStore): Promise<string[]> => {
  const found = await store.recent(user('alice'), { limit: 10 });
  return found.map(({ id }) => id).toReversed();
};

test('a torn last line is dropped with a warning, and nothing is appended to it', async () => {
  const { dir, all, part } = await crashed();
  await appendFile(part, '{"type":"exchange","visitor":{"kind":"user","id":"ali');
  const torn = await readFile(part);
  const logger = memoryLogger();
  const store = await openStore(dir, { logger, tuning: quiet });
  expect(logger.lines).toEqual(['warn: dropped a torn last line of the journal']);
  const more = exchange(user('alice'));
  await store.finish(more);
  expect(await alices(store)).toEqual([...all, more].map(({ id }) => id));
  expect(await readFile(part)).toEqual(torn);
  await store.close();
  expect((await idsOnDisk(dir)).live).toHaveLength(3);
});

test('a part whose very first line is torn is no harm', async () => {
  const { dir, all } = await crashed();
  await writeFile(join(dir, 'journal', '000007.ndjson'), '{"type":"pa');
  const store = await openStore(dir);
  await store.finish(exchange(user('bob')));
  await store.close();
  expect((await idsOnDisk(dir)).live).toHaveLength(all.length + 1);
});

test('a broken line in the middle is skipped, and its part is kept as evidence', async () => {
  const { dir, all, part } = await crashed();
  const lines = (await readFile(part, 'utf8')).split('\n');
  lines.splice(2, 0, '{"type":"exchange","visi\u0000\u0000', '{"type":"of a later version"}');
  await writeFile(part, lines.join('\n'));
  const logger = memoryLogger();
  const store = await openStore(dir, { logger });
  expect(await alices(store)).toEqual(all.map(({ id }) => id));
  const complaint = 'error: skipped a broken line of the journal; the file is kept';
  expect(logger.lines).toEqual([complaint, complaint]);
  await store.close();
  expect(await readFile(`${part}.damaged`, 'utf8')).toBe(lines.join('\n'));
  const again = memoryLogger();
  expect(await alices(await openStore(dir, { logger: again }))).toEqual(all.map(({ id }) => id));
  expect(again.lines).toEqual([]);
});

test('files that were half-written when the process died are removed', async () => {
  const { dir } = await crashed();
  await writeFile(join(dir, 'conversations.json.tmp'), '{"alice": [{"us');
  await openStore(dir, { tuning: quiet });
  expect(await readdir(dir)).not.toContain('conversations.json.tmp');
});

test('a state.json that makes no sense is moved aside, and the service starts', async () => {
  const { dir, all } = await crashed();
  await writeFile(join(dir, 'state.json'), '{"journalFrom":');
  const logger = memoryLogger();
  const store = await openStore(dir, { logger });
  expect(await alices(store)).toEqual(all.map(({ id }) => id));
  expect(logger.lines).toEqual(['error: state.json is damaged and was moved aside']);
  expect(await readdir(dir)).toContain('state.json.damaged');
});

test('parts that a snapshot holds are removed, and come back without effect', async () => {
  const { dir, part } = await crashed();
  const evidence = await readFile(part);
  const store = await openStore(dir);
  await store.snapshot();
  expect(await readdir(join(dir, 'journal'))).toHaveLength(1);
  await store.close();
  // As after a power cut that undid the removal.
  await writeFile(part, evidence);
  const again = await openStore(dir);
  await again.finish(exchange(user('bob')));
  await again.close();
  const { live } = await idsOnDisk(dir);
  expect(new Set(live).size).toBe(live.length);
  expect(live).toHaveLength(3);
  expect(await readdir(join(dir, 'journal'))).toEqual([]);
});

test('a long journal goes on in new parts', async () => {
  const dir = await tempFolder();
  const store = await openStore(dir, { tuning: { ...quiet, partBytes: 1000 } });
  for (let i = 0; i < 20; i++) await store.finish(exchange(user('alice')));
  expect((await readdir(join(dir, 'journal'))).length).toBeGreaterThan(3);
});
