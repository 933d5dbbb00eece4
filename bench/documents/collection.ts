import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { DocumentIndex } from '../../src/documents/index/index-port.ts';
import { PARSE_LIMITS } from '../../src/documents/parsers/limits.ts';
import { prepareDocument } from '../../src/documents/parsers/prepare.ts';
import { createSearch } from '../../src/documents/search/search.ts';
import type { Row } from '../report.ts';

const text = z.object({
  id: z.union([z.string(), z.number()]).transform(String),
  title: z.string().default(''),
  text: z.string(),
});
const DEPTH = 100;

const readLines = (folder: string, name: string) =>
  readFileSync(path.join(folder, name), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => text.parse(JSON.parse(line)));

/** The documents that are relevant for each query; every judged one counts. */
const readJudgements = (folder: string): Map<string, Set<string>> => {
  const relevant = new Map<string, Set<string>>();
  for (const line of readFileSync(path.join(folder, 'qrels.tsv'), 'utf8').split('\n').slice(1)) {
    const [query = '', document] = line.trim().split('\t');
    if (document === undefined) continue;
    relevant.set(query, (relevant.get(query) ?? new Set()).add(document));
  }
  return relevant;
};

const gain = (rank: number): number => 1 / Math.log2(rank + 2);
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

const scoresOf = (ranking: readonly string[], relevant: ReadonlySet<string>) => {
  const hits = ranking.map((id, rank) => ({ rank, isHit: relevant.has(id) })).filter(({ isHit }) => isHit);
  const first10 = hits.filter(({ rank }) => rank < 10);
  const best = Array.from({ length: Math.min(10, relevant.size) }, (_, rank) => gain(rank));
  return {
    ndcg: sum(first10.map(({ rank }) => gain(rank))) / sum(best),
    map: sum(hits.map(({ rank }, at) => (at + 1) / (rank + 1))) / relevant.size,
    mrr: hits[0] ? 1 / (hits[0].rank + 1) : 0,
    recall: first10.length / relevant.size,
  };
};

/** Searches a public collection by words alone, through the whole pipeline, and scores what is found. */
export const measureCollection = async (
  name: string,
  index: DocumentIndex,
  folder: string,
): Promise<Row[]> => {
  for (const { id, title, text: body } of readLines(folder, 'docs.jsonl')) {
    const raw = { name: `${id}.txt`, bytes: Buffer.from(body.trim() || title || id) };
    const { passages, hash, language } = await prepareDocument(raw, { sourceId: id, title }, PARSE_LIMITS);
    await index.put(
      {
        id,
        kind: 'file',
        location: id,
        title,
        hash,
        readAt: 0,
        ...(language === undefined ? {} : { language }),
      },
      passages,
    );
  }
  const search = createSearch({ index });
  const relevant = readJudgements(folder);
  const scores: ReturnType<typeof scoresOf>[] = [];
  for (const { id, text: query } of readLines(folder, 'queries.jsonl')) {
    const judged = relevant.get(id);
    if (!judged) continue;
    const found = await index.passages(await search.rank(query, 2 * DEPTH));
    const ranking = [...new Set(found.map(({ source }) => source.id))].slice(0, DEPTH);
    scores.push(scoresOf(ranking, judged));
  }
  await index.close();
  const mean = (pick: (score: ReturnType<typeof scoresOf>) => number): string =>
    (sum(scores.map(pick)) / scores.length).toFixed(3);
  const row = (what: string, measured: string): Row => ({
    what: `${path.basename(folder)}: ${what}, ${name}`,
    measured,
    baseline: '',
    target: '',
  });
  return [
    row(
      'nDCG@10',
      mean(({ ndcg }) => ndcg),
    ),
    row(
      'MAP@100',
      mean(({ map }) => map),
    ),
    row(
      'MRR',
      mean(({ mrr }) => mrr),
    ),
    row(
      'recall@10',
      mean(({ recall }) => recall),
    ),
  ];
};
