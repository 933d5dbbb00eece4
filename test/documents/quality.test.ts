import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { measureQuality, readQuestions } from '../../bench/documents/quality.ts';
import { createDocuments } from '../../src/documents/documents.ts';
import { createEmbedder } from '../../src/documents/embeddings/embedder.ts';
import { createMeaning } from '../../src/documents/embeddings/meaning.ts';
import type { DocumentIndex } from '../../src/documents/index/index-port.ts';
import { openSqliteIndex } from '../../src/documents/index/open-sqlite-index.ts';
import { openPostgresIndex } from '../../src/documents/index/postgres-index.ts';
import { connectForDocuments } from '../../src/stores/postgres/documents-database.ts';
import { startDatabases } from '../helpers/postgres.ts';
import { startEmulator, temporaryFolder } from '../helpers/service.ts';
import { all } from './helper.ts';

const SHOP = path.resolve(import.meta.dirname, '../fixtures/shop');
const questions = readQuestions(path.resolve(import.meta.dirname, '../fixtures/shop-questions.json'));
const logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
const clock = { now: () => Date.now() };

const openDocuments = async (index: DocumentIndex, embeddingsUrl?: string) => {
  const meaning =
    embeddingsUrl === undefined
      ? undefined
      : createMeaning({
          index,
          embedder: createEmbedder({ baseUrl: embeddingsUrl, apiKey: undefined }),
          model: 'm',
          logger,
        });
  const documents = createDocuments({ index, meaning, maxChars: 12_000, clock, logger });
  const results = await all(documents.add(SHOP));
  await documents.embed();
  return { documents, results };
};

const databases = await startDatabases();
afterAll(() => databases.dispose());

describe('a shop of thirty-four pages in two languages', () => {
  it('is read whole', async () => {
    const { documents, results } = await openDocuments(
      await openSqliteIndex(path.join(await temporaryFolder(), 'd.db')),
    );
    expect(results.filter(({ type }) => type !== 'added')).toEqual([]);
    const languages = new Set(
      (await documents.sources()).map(
        ({ language, location }) => `${path.basename(location).slice(0, 2)} ${language}`,
      ),
    );
    expect([...languages].filter((one) => /^(?:de|en) /.test(one)).toSorted()).toEqual(['de de', 'en en']);
    await documents.close();
  });

  it.each([
    ['SQLite', async () => openSqliteIndex(path.join(await temporaryFolder(), 'd.db'))],
    [
      'Postgres',
      async () => {
        const url = await databases.newSchema();
        return openPostgresIndex(await connectForDocuments({ url, logger }));
      },
    ],
  ])('answers most questions by words alone, and adds little to others, in %s', async (_, open) => {
    const { documents } = await openDocuments(await open());
    const { recall, told, missed, noise } = await measureQuality(documents, questions);
    await documents.close();
    expect(recall, missed.join('\n')).toBeGreaterThanOrEqual(0.9);
    expect(told, missed.join('\n')).toBeGreaterThanOrEqual(0.85);
    expect(noise.length, JSON.stringify(noise)).toBeLessThanOrEqual(3);
  });

  it('answers more of them with vectors beside, even of a model that knows letters alone', async () => {
    const emulator = await startEmulator();
    const { documents } = await openDocuments(
      await openSqliteIndex(path.join(await temporaryFolder(), 'd.db')),
      emulator.url,
    );
    const { recall, missed } = await measureQuality(documents, questions);
    await documents.close();
    expect(recall, missed.join('\n')).toBeGreaterThanOrEqual(0.9);
  });
});
