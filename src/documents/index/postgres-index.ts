import type { ISql } from 'postgres';
import { z } from 'zod';
import type { Source } from '../model.ts';
import type { DocumentIndex, PassageWithTerms } from './index-port.ts';
import { migrateDocuments } from './postgres-schema.ts';
import { countTerms, searchWords, termsOfSource } from './postgres-terms.ts';
import { createPostgresNearest } from './postgres-vector.ts';
import { tsvectorOf } from './postgres-words.ts';
import {
  bytesOf,
  embeddedText,
  PASSAGE_COLUMNS,
  SOURCE_COLUMNS,
  sourceValues,
  toPassage,
  toSource,
  vectorOf,
} from './rows.ts';

/** The database, as its owner lets us use it. */
export interface PostgresIndexDeps {
  /** Runs a statement, or a transaction. @throws What its owner makes of an outage. */
  readonly run: <T>(statement: (sql: ISql) => PromiseLike<T>) => Promise<T>;
  readonly transaction: <T>(work: (sql: ISql) => Promise<T>) => Promise<T>;
  /** Lets go of it. */
  readonly close: () => Promise<void>;
}

const counts = z.object({ added: z.coerce.number(), kept: z.coerce.number(), removed: z.coerce.number() });
const vectorRow = z.object({ seq: z.coerce.number(), id: z.string(), vector: z.instanceof(Uint8Array) });
const unembeddedRow = z.object({ id: z.string(), title: z.string(), headings: z.string(), text: z.string() });
const modelRow = z.object({ model: z.string(), vectors: z.coerce.number() });
const totalRow = z.object({ total: z.coerce.number() });
const headingList = z.array(z.string());

/** Passages of a search that must be the best; a search gives no more. */
const SURE = 10;

const putSource = async (sql: ISql, source: Source): Promise<void> => {
  const names = SOURCE_COLUMNS.join(', ');
  const values = SOURCE_COLUMNS.map((_, at) => `$${at + 1}`).join(', ');
  const updates = SOURCE_COLUMNS.slice(1).map((name) => `${name} = excluded.${name}`);
  await sql.unsafe(
    `insert into tp_document_sources (${names}) values (${values}) on conflict (id) do update set ${updates.join(', ')}`,
    sourceValues(source),
  );
};

/** Takes part in every change: makes it known, and lets but one at a time count the totals. */
const changed = (sql: ISql) => sql`update tp_document_totals set version = version + 1`;

const recount = (sql: ISql, sourceId: string, sign: 1 | -1) => sql`
  update tp_document_totals set passages = passages + ${sign} * own.count, words = words + ${sign} * own.sum
  from (select count(*) as count, coalesce(sum(length), 0) as sum from tp_document_passages p
    join tp_document_words w using (seq) where p.source = ${sourceId}) own`;

const put = async (sql: ISql, source: Source, passages: readonly PassageWithTerms[]) => {
  const counted = new Map<string, number>();
  const rows = passages.map((passage, position) => {
    const { words, length, terms } = tsvectorOf(passage);
    for (const term of terms) counted.set(term, (counted.get(term) ?? 0) + 1);
    return {
      id: passage.id,
      position,
      headings: JSON.stringify(passage.headings),
      text: passage.text,
      url: passage.url ?? null,
      place: passage.place ?? null,
      words,
      length,
    };
  });
  await changed(sql);
  const before = await termsOfSource(sql, source.id);
  await recount(sql, source.id, -1);
  await putSource(sql, source);
  const json = JSON.stringify(rows);
  const given = `jsonb_to_recordset($1::text::jsonb) as given (id text, position integer, headings text, text text,
    url text, place text, words text, length integer)`;
  const removed = await sql.unsafe(
    `delete from tp_document_passages where source = $2 and id not in (select id from ${given})`,
    [json, source.id],
  );
  const kept = await sql.unsafe(
    `update tp_document_passages p set position = given.position, url = given.url, place = given.place
     from ${given} where p.id = given.id and p.source = $2`,
    [json, source.id],
  );
  await sql.unsafe(
    `insert into tp_document_passages (id, source, position, headings, text, url, place)
     select given.id, $2, given.position, given.headings, given.text, given.url, given.place from ${given}
     order by position on conflict (id) do nothing`,
    [json, source.id],
  );
  // Title and language may have changed, and with them the words of passages that did not.
  await sql.unsafe(
    `insert into tp_document_words (seq, words, length)
     select p.seq, given.words::tsvector, given.length from ${given} join tp_document_passages p using (id)
     on conflict (seq) do update set words = excluded.words, length = excluded.length
     where tp_document_words.words <> excluded.words`,
    [json],
  );
  await recount(sql, source.id, 1);
  await countTerms(sql, before, counted);
  return counts.parse({ added: passages.length - kept.count, kept: kept.count, removed: removed.count });
};

/**
 * The index in Postgres, whose own tables it makes in the connection's schema. Any number of processes may open it.
 * @throws Error where it cannot be opened.
 */
export const openPostgresIndex = async ({
  run,
  transaction,
  close,
}: PostgresIndexDeps): Promise<DocumentIndex> => {
  await transaction(migrateDocuments);
  const rowsOf = (text: string, values: (string | number)[] = []): Promise<readonly unknown[]> =>
    run((sql) => sql.unsafe(text, values));
  const first = async (text: string, values: (string | number)[] = []): Promise<number> => {
    const [row] = await rowsOf(text, values);
    return totalRow.parse(row).total;
  };

  return {
    put: (source, passages) => transaction((own) => put(own, source, passages)),
    touch: (source) =>
      transaction(async (own) => {
        await changed(own);
        await putSource(own, source);
      }),
    remove: (sourceId) =>
      transaction(async (own) => {
        await changed(own);
        await countTerms(own, await termsOfSource(own, sourceId), new Map());
        await recount(own, sourceId, -1);
        const removed = await own`delete from tp_document_sources where id = ${sourceId}`;
        return removed.count > 0;
      }),
    sources: async () => {
      const rows = await rowsOf(
        `select s.*, (select count(*) from tp_document_passages p where p.source = s.id)::integer as passages
         from tp_document_sources s order by location`,
      );
      return rows.map(toSource);
    },
    passages: async (ids) => {
      const rows = await rowsOf(
        `select ${PASSAGE_COLUMNS}
         from json_array_elements_text($1::text::json) with ordinality given (id, at)
         join tp_document_passages p on p.id = given.id join tp_document_sources s on s.id = p.source order by at`,
        [JSON.stringify(ids)],
      );
      return rows.map(toPassage);
    },
    passagesOf: async (sourceId) => {
      const rows = await rowsOf(
        `select ${PASSAGE_COLUMNS} from tp_document_passages p join tp_document_sources s on s.id = p.source
         where s.id = $1 order by p.position`,
        [sourceId],
      );
      return rows.map(toPassage);
    },
    languages: async () => {
      const rows = await rowsOf(
        "select coalesce(language, '') as language from tp_document_sources group by 1 order by count(*) desc",
      );
      return rows.map((row) => z.object({ language: z.string() }).parse(row).language);
    },
    knownTerms: async (terms) => {
      const rows = await rowsOf(
        `select t.term from jsonb_array_elements_text($1::text::jsonb) given join tp_document_terms t on t.term = given`,
        [JSON.stringify(terms)],
      );
      return rows.map((row) => z.object({ term: z.string() }).parse(row).term);
    },
    byWords: async (groups, limit) => {
      if (groups.length > 0) return searchWords(rowsOf, groups, { limit, sure: SURE });
      return { total: await first('select passages as total from tp_document_totals'), counts: [], hits: [] };
    },
    unembedded: async (model, limit) => {
      const rows = await rowsOf(
        `select p.id, s.title, p.headings, p.text from tp_document_passages p
         join tp_document_sources s on s.id = p.source
         where not exists (select from tp_document_vectors v where v.model = $1 and v.passage = p.seq)
         order by p.seq limit $2`,
        [model, limit],
      );
      return rows
        .map((row) => unembeddedRow.parse(row))
        .map(({ id, title, headings, text }) => ({
          id,
          text: embeddedText(title, headingList.parse(JSON.parse(headings)), text),
        }));
    },
    putVectors: async (model, vectors) => {
      const json = JSON.stringify(
        vectors.map(({ id, vector }) => ({ id, vector: Buffer.from(bytesOf(vector)).toString('base64') })),
      );
      await transaction(async (own) => {
        await changed(own);
        await own.unsafe(
          `insert into tp_document_vectors (passage, model, vector)
           select p.seq, $2, decode(given.vector, 'base64')
           from jsonb_to_recordset($1::text::jsonb) as given (id text, vector text)
           join tp_document_passages p using (id) on conflict (passage, model) do nothing`,
          [json, model],
        );
      });
    },
    vectors: async (model, after, limit) => {
      const rows = await rowsOf(
        `select v.seq, p.id, v.vector from tp_document_vectors v join tp_document_passages p on p.seq = v.passage
         where v.model = $1 and v.seq > $2 order by v.seq limit $3`,
        [model, after, limit],
      );
      return rows
        .map((row) => vectorRow.parse(row))
        .map(({ vector, ...row }) => ({ ...row, vector: vectorOf(vector) }));
    },
    ...createPostgresNearest({ transaction }),
    models: async () => {
      const rows = await rowsOf(
        'select model, count(*) as vectors from tp_document_vectors group by model order by model',
      );
      return rows.map((row) => modelRow.parse(row));
    },
    dropModel: async (model) => {
      await transaction(async (own) => {
        await changed(own);
        await own`delete from tp_document_vectors where model = ${model}`;
      });
    },
    version: () => first('select version as total from tp_document_totals'),
    close,
  };
};
