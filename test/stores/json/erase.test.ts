import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Visitor } from '../../../src/chat/model.ts';
import { eraseLine } from '../../../src/stores/json/records.ts';
import { anonymous, exchange, user } from '../store-contract.ts';
import { idsOnDisk, openStore, tempFolder } from './helper.ts';

const verified = (id: string): Visitor => ({ kind: 'verified', id });
const VISITORS = [user('alice'), verified('alice'), anonymous('one'), anonymous('two'), user('bob')];

/** A folder whose archive has exchanges of several visitors, those of a few months. */
const withArchive = async () => {
  const dir = await tempFolder();
  const store = await openStore(dir, { maxBytes: 12_000 });
  const all = Array.from({ length: 60 }, (_, i) =>
    exchange(VISITORS[i % VISITORS.length] ?? user('x'), {
      bot: 'x'.repeat(500),
      timestamp: Date.parse(`2026-0${7 + Math.floor(i / 20)}-02T12:00:00Z`) / 1000 + i,
    }),
  );
  for (const one of all) await store.finish(one);
  await store.snapshot();
  expect((await idsOnDisk(dir)).archived.length).toBeGreaterThan(30);
  return { dir, store, all };
};

test.each(VISITORS)(
  'clearing for good takes a visitor out of the archive, and nobody else: %j',
  async (who) => {
    const { dir, store, all } = await withArchive();
    await store.clear(who, false);
    const { live, archived } = await idsOnDisk(dir);
    const others = all.filter(({ visitor }) => visitor !== who).map(({ id }) => id);
    expect([...archived, ...live].toSorted()).toEqual(others.toSorted());
    await store.close();
    const again = await openStore(dir);
    expect(await again.recent(who, { limit: 100 })).toEqual([]);
  },
);

test('an erasure that a crash cut off is finished by the next start, and spares what came later', async () => {
  const { dir, store, all } = await withArchive();
  await store.close();
  const until = all[29]?.timestamp ?? 0;
  const journal = join(dir, 'journal');
  const last = (await readdir(journal)).length + 1000;
  await writeFile(
    join(journal, `${String(last).padStart(6, '0')}.ndjson`),
    eraseLine({ visitor: 'a:one', until }),
  );
  const again = await openStore(dir, { maxBytes: 12_000 });
  await again.snapshot();
  const left = [...(await idsOnDisk(dir)).archived];
  const gone = all.filter(({ id, visitor }) => visitor === VISITORS[2] && !left.includes(id));
  expect(gone.length).toBeGreaterThan(0);
  expect(gone.filter(({ timestamp, id }) => timestamp <= until && !left.includes(id))).toHaveLength(6);
});

test('an archive that cannot be rewritten is told to whoever clears, and the log is written all the same', async () => {
  const { dir, store } = await withArchive();
  const file = join(dir, 'archive', '2026-07.json');
  const whole = await readFile(file, 'utf8');
  await writeFile(file, `${whole.slice(0, 2000)} nonsense`);
  await expect(store.clear(user('alice'), false)).rejects.toMatchObject({ code: 'log_unavailable' });
  await writeFile(file, whole);
  await store.snapshot();
  const { archived } = await idsOnDisk(dir);
  const text = await readFile(join(dir, 'state.json'), 'utf8');
  expect(JSON.parse(text)).toMatchObject({ erasing: [] });
  expect(archived.length).toBeGreaterThan(0);
});
