/** Documents: how well and how fast they are found, on SQLite and Postgres. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createEmulator } from '../emulator/server.ts';
import { createDocuments } from '../src/documents/documents.ts';
import { createEmbedder } from '../src/documents/embeddings/embedder.ts';
import { createMeaning } from '../src/documents/embeddings/meaning.ts';
import type { DocumentIndex } from '../src/documents/index/index-port.ts';
import { openSqliteIndex } from '../src/documents/index/open-sqlite-index.ts';
import { openPostgresIndex } from '../src/documents/index/postgres-index.ts';
import { connectForDocuments } from '../src/stores/postgres/documents-database.ts';
import { startDatabase } from './database.ts';
import { measureCollection } from './documents/collection.ts';
import { measureQuality, readQuestions } from './documents/quality.ts';
import { measureIndexing, measureNearest, measureScan, measureSearch } from './documents/speed.ts';
import { milliseconds } from './figures.ts';
import type { Bench, Row } from './report.ts';

const SHOP = path.resolve(import.meta.dirname, '../test/fixtures/shop');
const QUESTIONS = path.resolve(import.meta.dirname, '../test/fixtures/shop-questions.json');
const SIZES = [1_000, 10_000, 50_000];
/** More than are held in memory where the database can search them. */
const VERY_MANY = 100_000;
const quiet = () => undefined;
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const clock = { now: () => Date.now() };

const info = (what: string, measured: string, target = ''): Row => ({ what, measured, baseline: '', target });
const share = (value: number): string => value.toFixed(3);

const shopRows = async (name: string, index: DocumentIndex, embeddings?: string): Promise<Row[]> => {
  const meaning =
    embeddings === undefined
      ? undefined
      : createMeaning({
          index,
          embedder: createEmbedder({ baseUrl: embeddings, apiKey: undefined }),
          model: 'm',
          logger,
        });
  const documents = createDocuments({ index, meaning, maxChars: 12_000, clock, logger });
  for await (const result of documents.add(SHOP))
    if (result.type !== 'added') throw new Error(JSON.stringify(result));
  await documents.embed();
  const quality = await measureQuality(documents, readQuestions(QUESTIONS));
  await documents.close();
  const how =
    embeddings === undefined ? 'by words' : "by words and the emulator's vectors, which know letters alone";
  const target = embeddings === undefined ? 0.8 : 0.9;
  return [
    {
      what: `shop: recall@5 ${how}, ${name}`,
      measured: share(quality.recall),
      baseline: '',
      target: `at least ${target}`,
      ok: quality.recall >= target,
    },
    info(`shop: answers that a run is told, ${name}`, share(quality.told)),
    info(`shop: questions without an answer that add something, ${name}`, `${quality.noise.length} of 15`),
  ];
};

type Openers = Readonly<Record<string, () => Promise<DocumentIndex>>>;

const vectorRows = async (openers: Openers, quick: boolean): Promise<Row[]> => {
  const rows: Row[] = [];
  for (const dimensions of [384, 1_536]) {
    for (const count of quick ? [1_000] : [50_000, VERY_MANY]) {
      const { p50, p99 } = await measureScan(count, dimensions);
      const row = info(
        `nearest of ${count} vectors of ${dimensions} dimensions, in memory`,
        `p50 ${milliseconds(p50)}, p99 ${milliseconds(p99)}`,
      );
      rows.push(count > 50_000 ? row : { ...row, target: 'p50 at most 30 ms', ok: p50 <= 30 });
    }
    for (const [name, open] of Object.entries(openers)) {
      const count = quick ? 1_000 : VERY_MANY;
      const found = await measureNearest(await open(), count, dimensions);
      rows.push(
        info(
          `nearest of ${count} vectors of ${dimensions} dimensions, ${found?.by ?? name}`,
          found
            ? `p50 ${milliseconds(found.p50)}, p99 ${milliseconds(found.p99)}`
            : 'has no extension for it',
        ),
      );
    }
  }
  return rows;
};

export const documents: Bench = async ({ quick, collection }) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'thread-proxy-documents-'));
  const server = await startDatabase();
  const emulator = await createEmulator({});
  let files = 0;
  const openers: Openers = {
    SQLite: () => {
      files += 1;
      return openSqliteIndex(path.join(dir, `${files}.db`));
    },
    Postgres: async () =>
      openPostgresIndex(await connectForDocuments({ url: await server.newDatabase(), logger })),
  };
  const rows: Row[] = [];
  try {
    for (const [name, open] of Object.entries(openers)) {
      if (collection !== undefined) {
        rows.push(...(await measureCollection(name, await open(), collection)));
        continue;
      }
      rows.push(...(await shopRows(name, await open())));
      if (name === 'SQLite') rows.push(...(await shopRows(name, await open(), emulator.url)));
      rows.push(await measureIndexing(name, await open(), dir, quick ? 100 : 1_000));
      for (const size of quick ? SIZES.slice(0, 1) : SIZES) {
        const { p50, p99 } = await measureSearch(await open(), size);
        rows.push(
          info(
            `search among ${size} passages, ${name}`,
            `p50 ${milliseconds(p50)}, p99 ${milliseconds(p99)}`,
          ),
        );
      }
    }
    if (collection === undefined) rows.push(...(await vectorRows(openers, quick)));
  } finally {
    await emulator.close();
    await server.dispose();
    rmSync(dir, { recursive: true, force: true });
  }
  return rows;
};
