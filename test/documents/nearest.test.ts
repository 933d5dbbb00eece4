import path from 'node:path';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { unit } from '../../src/documents/embeddings/embedder.ts';
import { createNearestPassages } from '../../src/documents/embeddings/nearest-passages.ts';
import type { DocumentIndex } from '../../src/documents/index/index-port.ts';
import { openSqliteIndex } from '../../src/documents/index/open-sqlite-index.ts';
import { openPostgresIndex } from '../../src/documents/index/postgres-index.ts';
import { connectForDocuments } from '../../src/stores/postgres/documents-database.ts';
import { command } from '../helpers/new-database.ts';
import { startDatabases } from '../helpers/postgres.ts';
import { temporaryFolder } from '../helpers/service.ts';
import { memoryLogger } from '../stores/sqlite/helper.ts';
import { ids, passage, source } from './index-contract.ts';

const databases = await startDatabases();
afterAll(() => databases.dispose());

const closing = (index: DocumentIndex): DocumentIndex => {
  onTestFinished(() => index.close());
  return index;
};
const sqlite = async (extension?: string) =>
  closing(await openSqliteIndex(path.join(await temporaryFolder(), 'd.db'), extension));
const postgres = async (withVector: boolean) => {
  const url = await databases.newDatabase();
  if (withVector) await command(url, 'create extension vector');
  return closing(await openPostgresIndex(await connectForDocuments({ url, logger: memoryLogger() })));
};
/** The embedded Postgres has no pgvector; one that TEST_DATABASE_URL names may have it. */
const hasPgvector = await command(await databases.newDatabase(), 'create extension vector').then(
  () => true,
  () => false,
);

const DIMENSIONS = 64;
const random = (() => {
  let state = 11;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
})();
const anyVector = () => unit(Array.from({ length: DIMENSIONS }, () => random() - 0.4));
const similarity = (one: Float32Array, other: Float32Array): number =>
  one.reduce((sum, number, at) => sum + number * (other[at] ?? 0), 0);

/** An index with vectors, and the ids of the nearest to one. */
const filled = async (index: DocumentIndex, count = 1_500) => {
  const vectors = Array.from({ length: count }, (_, n) => ({ id: `p${n}`, vector: anyVector() }));
  await index.put(
    source('a'),
    vectors.map(({ id }) => passage(id, id)),
  );
  await index.putVectors('m', vectors);
  const nearestTo = (query: Float32Array, limit: number) =>
    vectors
      .map(({ id, vector }) => ({ id, similarity: similarity(query, vector) }))
      .toSorted((a, b) => b.similarity - a.similarity)
      .slice(0, limit);
  return { vectors, nearestTo };
};

describe.each([
  ['sqlite-vec', true, () => sqlite()],
  ['pgvector, which this Postgres has not where it is skipped', hasPgvector, () => postgres(true)],
])('the nearest passages by %s', (_, isThere, open) => {
  it.skipIf(!isThere)('are those of a scan, with their similarities', async () => {
    const index = await open();
    const { nearestTo } = await filled(index);
    const logger = memoryLogger();
    const nearest = createNearestPassages({ index, model: 'm', inMemory: 1_000, logger });
    onTestFinished(() => nearest.close());
    // Nothing is found until all are ready: words do meanwhile.
    await vi.waitFor(async () => expect(await nearest.search(anyVector(), 10, 1_500)).toHaveLength(10), {
      timeout: 30_000,
    });
    expect(logger.lines).toEqual(['info: vectors are searched in the database']);
    let hits = 0;
    for (let n = 0; n < 20; n += 1) {
      const query = anyVector();
      const found = await nearest.search(query, 10, 1_500);
      const right = nearestTo(query, 10);
      expect(found[0]?.similarity).toBeCloseTo(right[0]?.similarity ?? 0, 2);
      hits += ids(found).filter((id) => ids(right).includes(id)).length;
    }
    expect(hits).toBeGreaterThanOrEqual(190);
  });

  it.skipIf(!isThere)('come with what is new, and go with what is gone and with their model', async () => {
    const index = await open();
    const { vectors } = await filled(index, 50);
    const own = vectors[7];
    if (!own) throw new Error('no vector');
    while ((await index.prepareNearest('m', 20)) === 20);
    expect(ids(await index.nearest('m', own.vector, 1))).toEqual(['p7']);
    const wanted = anyVector();
    await index.put(source('b'), [passage('q', 'q'), passage('other', 'other')]);
    await index.putVectors('m', [{ id: 'q', vector: wanted }]);
    await index.putVectors('other', [{ id: 'other', vector: wanted }]);
    // Of another length, as a model gives that was changed under its name.
    await index.putVectors('m', [{ id: 'other', vector: unit(Array.from({ length: 8 }, () => 1)) }]);
    expect(await index.prepareNearest('m', 20)).toBe(2);
    expect(await index.prepareNearest('m', 20)).toBe(0);
    expect(await index.prepareNearest('other', 20)).toBe(1);
    expect(ids(await index.nearest('m', wanted, 1))).toEqual(['q']);
    await index.remove('b');
    expect(ids(await index.nearest('m', wanted, 60))).not.toContain('q');
    expect(await index.nearest('m', wanted, 60)).toHaveLength(50);
    await index.dropModel('m');
    expect(await index.nearest('m', wanted, 60)).toEqual([]);
  });
});

it.each([
  ['SQLite without sqlite-vec', () => sqlite('no-such-module')],
  ['Postgres without pgvector', () => postgres(false)],
])('very many vectors in %s are searched in memory, and the log says so once', async (_, open) => {
  const index = await open();
  const { nearestTo } = await filled(index, 200);
  const logger = memoryLogger();
  const nearest = createNearestPassages({ index, model: 'm', inMemory: 100, logger });
  onTestFinished(() => nearest.close());
  const query = anyVector();
  for (let n = 0; n < 2; n += 1)
    expect(ids(await nearest.search(query, 10, 200))).toEqual(ids(nearestTo(query, 10)));
  expect(logger.lines).toEqual([
    'warn: very many vectors are held in memory: with sqlite-vec or pgvector they need not be',
  ]);
  expect(await index.nearestBy(DIMENSIONS)).toBeUndefined();
});
