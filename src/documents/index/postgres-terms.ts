import type { ISql } from 'postgres';
import { z } from 'zod';
import type { WordGroup, WordHits } from './index-port.ts';
import {
  type AskedTerm,
  bm25Query,
  type CountedTerm,
  everyPassage,
  fewestFirst,
  type Search,
  termsOfGroups,
} from './postgres-words.ts';

type Ask = (text: string, values: (string | number)[]) => Promise<readonly unknown[]>;

const countRow = z.object({ term: z.string(), passages: z.number() });
const totalsRow = z.object({ total: z.number(), average: z.number(), counts: z.string() });
const hit = z.object({ id: z.string(), score: z.number() });

/** How many passages of a source have each word. */
export const termsOfSource = async (sql: ISql, sourceId: string): Promise<Map<string, number>> => {
  const rows = await sql`
    select lexeme as term, count(*)::integer as passages from tp_document_passages p
    join tp_document_words w using (seq), unnest(w.words) where p.source = ${sourceId} group by 1`;
  return new Map(rows.map((row) => countRow.parse(row)).map(({ term, passages }) => [term, passages]));
};

/** Counts what has come and gone. Within the transaction that holds the totals: nobody else counts meanwhile. */
export const countTerms = async (
  sql: ISql,
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Promise<void> => {
  const changes = [...new Set([...before.keys(), ...after.keys()])]
    .map((term) => ({ term, passages: (after.get(term) ?? 0) - (before.get(term) ?? 0) }))
    .filter(({ passages }) => passages !== 0);
  if (changes.length === 0) return;
  const given = `jsonb_to_recordset($1::text::jsonb) as given (term text, passages integer)`;
  await sql.unsafe(
    `insert into tp_document_terms as there (term, passages) select term, passages from ${given}
     on conflict (term) do update set passages = there.passages + excluded.passages`,
    [JSON.stringify(changes)],
  );
  const fewer = changes.filter(({ passages }) => passages < 0);
  if (fewer.length === 0) return;
  await sql.unsafe(
    `delete from tp_document_terms t using ${given} where t.term = given.term and t.passages <= 0`,
    [JSON.stringify(fewer)],
  );
};

/** The highest character: what is below it after a word begins with the word. */
const LAST = '\u{10FFFF}';

/** All that BM25 needs to know beside the passages, in one call. */
const countAll = async (ask: Ask, terms: readonly AskedTerm[]) => {
  const [row] = await ask(
    `select passages::float8 as total, greatest(words::float8 / greatest(passages, 1), 1) as average,
       array_to_string(array(select case when given.term < given.until
           then (select coalesce(sum(t.passages), 0) from tp_document_terms t
             where t.term >= given.term and t.term < given.until)
           else (select coalesce(sum(t.passages), 0) from tp_document_terms t where t.term = given.term) end::float8
         from jsonb_to_recordset($1::text::jsonb) as given (at integer, term text collate "C", until text collate "C")
         order by given.at), ' ') as counts
     from tp_document_totals`,
    [
      JSON.stringify(
        terms.map(({ term, isPrefix }, at) => ({ at, term, until: isPrefix ? `${term}${LAST}` : term })),
      ),
    ],
  );
  const { counts, ...totals } = totalsRow.parse(row);
  return { ...totals, counts: counts.split(' ').map(Number) };
};

/** A word's passages: those with any of its forms, or, where none has, with words that begin so. */
const countOf = (terms: readonly CountedTerm[]): number => {
  const exact = Math.max(0, ...terms.filter(({ isPrefix }) => !isPrefix).map(({ count }) => count));
  return exact > 0 ? exact : (terms.find(({ isPrefix }) => isPrefix)?.count ?? 0);
};

/**
 * Searches by BM25. @param sure So many of the best are surely the best; of those after them a few may be missing that
 * have frequent words of the question alone.
 */
export const searchWords = async (
  ask: Ask,
  groups: readonly WordGroup[],
  { limit, sure }: { readonly limit: number; readonly sure: number },
): Promise<WordHits> => {
  const asked = termsOfGroups(groups);
  const { total, average, counts } = await countAll(ask, asked);
  const terms = asked.map((term, at) => ({ ...term, count: Math.min(total, counts[at] ?? 0) }));
  const found = async (search: Search) => {
    const { text, values } = bm25Query(search, { total, average, limit });
    return (await ask(text, values)).map((row) => hit.parse(row));
  };
  const told = {
    total,
    counts: groups.map((_, group) => countOf(terms.filter(({ owner }) => owner === group))),
  };
  if (terms.every(({ count }) => count === 0)) return { ...told, hits: [] };
  const search = fewestFirst(terms, total);
  const hits = await found(search);
  const last = hits[Math.min(sure, limit) - 1];
  const isSure = search.missed === 0 || (last !== undefined && last.score >= search.missed);
  return { ...told, hits: isSure ? hits : await found(everyPassage(terms)) };
};
