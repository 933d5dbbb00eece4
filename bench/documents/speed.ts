import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { unit } from '../../src/documents/embeddings/embedder.ts';
import { createVectorScan } from '../../src/documents/embeddings/vector-scan.ts';
import { takeFolder } from '../../src/documents/folder.ts';
import type { DocumentIndex, PassageWithTerms } from '../../src/documents/index/index-port.ts';
import { createLibrary } from '../../src/documents/library.ts';
import { createParser } from '../../src/documents/parsers/parser.ts';
import { createSearch } from '../../src/documents/search/search.ts';
import { percentile } from '../figures.ts';
import type { Row } from '../report.ts';

const VOCABULARY = 20_000;
const WORDS_PER_PASSAGE = 250;
const PASSAGES_PER_SOURCE = 100;
const SEARCHES = 200;

/** Numbers that are the same in each run. */
const createRandom = (seed: number) => {
  let state = seed;
  return (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

const SYLLABLES = [
  'ba',
  'ke',
  'lo',
  'mi',
  'nu',
  'ra',
  'so',
  'ti',
  'vu',
  'ze',
  'dor',
  'fan',
  'gel',
  'hin',
  'pul',
];
const wordOf = (n: number): string => {
  let word = '';
  for (let left = n + 1; left > 0; left = Math.floor(left / SYLLABLES.length))
    word += SYLLABLES[left % SYLLABLES.length] ?? '';
  return `${word}x`;
};

/** Words as often as in a language: the second half as often as the first, and so on. */
const zipf = (random: () => number): string => wordOf(Math.floor(VOCABULARY ** random()) - 1);
const textOf = (words: number, random: () => number): string =>
  Array.from({ length: words }, () => zipf(random)).join(' ');

/** Reads a folder of web pages. */
export const measureIndexing = async (
  name: string,
  index: DocumentIndex,
  dir: string,
  pages: number,
): Promise<Row> => {
  const folder = path.join(dir, `pages-${name}`);
  mkdirSync(folder);
  const random = createRandom(1);
  for (let n = 0; n < pages; n += 1) {
    const sections = Array.from(
      { length: 5 },
      (_, m) => `<h2>${textOf(3, random)} ${m}</h2><p>${textOf(WORDS_PER_PASSAGE, random)}</p>`,
    );
    writeFileSync(
      path.join(folder, `${n}.html`),
      `<html><body><main><h1>Page ${n}</h1>${sections.join('')}</main></body></html>`,
    );
  }
  const parser = createParser();
  const library = createLibrary({ index, parser, clock: { now: () => Date.now() } });
  const began = performance.now();
  let passages = 0;
  for await (const result of takeFolder(folder, library))
    passages += 'passages' in result ? result.passages : 0;
  const seconds = (performance.now() - began) / 1_000;
  parser.close();
  await index.close();
  return {
    what: `reading ${pages} pages, ${name}`,
    measured: `${seconds.toFixed(1)} s, ${Math.round(pages / seconds)} pages/s, ${passages} passages`,
    baseline: '',
    target: '',
  };
};

/** Fills an index and searches it, with the words of questions that are neither rare nor everywhere. */
export const measureSearch = async (index: DocumentIndex, size: number) => {
  const random = createRandom(2);
  for (let from = 0; from < size; from += PASSAGES_PER_SOURCE) {
    const passages = Array.from({ length: PASSAGES_PER_SOURCE }, (_, n): PassageWithTerms => {
      const text = textOf(WORDS_PER_PASSAGE, random);
      return { id: `p${from + n}`, headings: [], text, titleTerms: wordOf(from + n), bodyTerms: text };
    });
    await index.put(
      { id: `s${from}`, kind: 'file', location: `s${from}`, title: 'Page', hash: 'h', readAt: 0 },
      passages,
    );
  }
  const search = createSearch({ index });
  const times: number[] = [];
  for (let n = 0; n < SEARCHES; n += 1) {
    const question = Array.from({ length: 5 }, () => wordOf(Math.floor(50 * 200 ** random()))).join(' ');
    const began = performance.now();
    await search.search(question);
    times.push(performance.now() - began);
  }
  await index.close();
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
};

/**
 * Looks for the nearest of many vectors where the database does it itself.
 * @returns undefined where it cannot.
 */
export const measureNearest = async (index: DocumentIndex, count: number, dimensions: number) => {
  try {
    const by = await index.nearestBy(dimensions);
    if (by === undefined) return undefined;
    const random = createRandom(4);
    const vector = () => unit(Array.from({ length: dimensions }, () => random() + random() - 1));
    for (let from = 0; from < count; from += PASSAGES_PER_SOURCE) {
      const passages = Array.from({ length: PASSAGES_PER_SOURCE }, (_, n): PassageWithTerms => {
        const id = `p${from + n}`;
        return { id, headings: [], text: id, titleTerms: '', bodyTerms: id };
      });
      await index.put(
        { id: `s${from}`, kind: 'file', location: `s${from}`, title: 'Page', hash: 'h', readAt: 0 },
        passages,
      );
      await index.putVectors(
        'm',
        passages.map(({ id }) => ({ id, vector: vector() })),
      );
    }
    while ((await index.prepareNearest('m', PASSAGES_PER_SOURCE)) === PASSAGES_PER_SOURCE);
    const times: number[] = [];
    for (let n = 0; n < 50; n += 1) {
      const query = vector();
      const began = performance.now();
      await index.nearest('m', query, 50);
      times.push(performance.now() - began);
    }
    return { by, p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
  } finally {
    await index.close();
  }
};

/** Looks for the nearest of many vectors. */
export const measureScan = async (count: number, dimensions: number) => {
  const random = createRandom(3);
  const scan = createVectorScan(dimensions);
  const vector = () => unit(Array.from({ length: dimensions }, () => random() + random() - 1));
  for (let n = 0; n < count; n += 1) scan.add(vector());
  const times: number[] = [];
  for (let n = 0; n < 50; n += 1) {
    const query = vector();
    const began = performance.now();
    scan.search(query, 50);
    times.push(performance.now() - began);
  }
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
};
