import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { z } from 'zod';
import type { Source } from '../model.ts';
import {
  type Changes,
  type DocumentIndex,
  type PassageWithTerms,
  TITLE_WEIGHT,
  type WordGroup,
} from './index-port.ts';
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
import { migrateDocuments } from './sqlite-schema.ts';
import type { SqliteNearest } from './sqlite-vec.ts';

/** Every method of the index, answered at once: for a thread of its own. */
export type SyncIndex = {
  [M in keyof DocumentIndex]: (
    ...args: Parameters<DocumentIndex[M]>
  ) => Awaited<ReturnType<DocumentIndex[M]>>;
};

const known = z.object({ id: z.string(), seq: z.number() });
const sourceNames = z.object({ title: z.string(), language: z.string().nullable() });
const scored = z.object({ id: z.string(), score: z.number() });
const vectorRow = z.object({ seq: z.number(), id: z.string(), vector: z.instanceof(Uint8Array) });
const unembeddedRow = z.object({ id: z.string(), title: z.string(), headings: z.string(), text: z.string() });
const modelRow = z.object({ model: z.string(), vectors: z.number() });

const placeholders = (values: readonly unknown[]): string => values.map(() => '?').join(', ');
/** Terms are letters and digits; quoted all the same, so that no word is an operator. */
const quoted = (term: string): string => `"${term.replaceAll('"', '')}"`;

/** What FTS5 is asked for: passages with any form of any word. */
const matchOf = (groups: readonly WordGroup[]): string =>
  groups
    .flatMap(({ forms, prefix }) => [
      ...forms.map(quoted),
      ...(prefix === undefined ? [] : [`${quoted(prefix)}*`]),
    ])
    .join(' OR ');

/** The index in a SQLite database, whose own tables it makes there. @param db Closed with the index. */
export const createSqliteIndex = (db: DatabaseSync): Omit<SyncIndex, keyof SqliteNearest> => {
  migrateDocuments(db);
  const statements = new Map<string, StatementSync>();
  const sql = (text: string): StatementSync => {
    const prepared = statements.get(text) ?? db.prepare(text);
    statements.set(text, prepared);
    return prepared;
  };
  /**
   * A statement that writes. FTS5 writes rows of its own, the last of which `run` tells the number of: it may be too
   * large for a JavaScript number.
   */
  const write = (text: string): StatementSync => {
    const statement = sql(text);
    statement.setReadBigInts(true);
    return statement;
  };
  const atomically = <T>(work: () => T): T => {
    db.exec('begin immediate');
    try {
      const result = work();
      write("update document_meta set value = value + 1 where name = 'version'").run();
      db.exec('commit');
      return result;
    } catch (thrown) {
      db.exec('rollback');
      throw thrown;
    }
  };

  const putSource = (source: Source): void => {
    const names = SOURCE_COLUMNS.join(', ');
    write(`insert or replace into document_sources (${names}) values (${placeholders(SOURCE_COLUMNS)})`).run(
      ...sourceValues(source),
    );
  };
  const removeWords = (seq: number): void => {
    write('delete from document_words where rowid = ?').run(seq);
  };
  const removePassage = (seq: number): void => {
    write('delete from document_vectors where passage = ?').run(seq);
    removeWords(seq);
    write('delete from document_passages where seq = ?').run(seq);
  };
  const addWords = (seq: number | bigint, { titleTerms, bodyTerms }: PassageWithTerms): void => {
    write('insert into document_words (rowid, title, body) values (?, ?, ?)').run(seq, titleTerms, bodyTerms);
  };
  const passagesOf = (sourceId: string): Map<string, number> =>
    new Map(
      sql('select id, seq from document_passages where source = ?')
        .all(sourceId)
        .map((row) => known.parse(row))
        .map(({ id, seq }) => [id, seq]),
    );

  const put = (source: Source, passages: readonly PassageWithTerms[]): Changes => {
    const row = sql('select title, language from document_sources where id = ?').get(source.id);
    const before = row === undefined ? undefined : sourceNames.parse(row);
    // Both are part of the words of each passage.
    const isRenamed = before?.title !== source.title || before.language !== (source.language ?? null);
    const there = passagesOf(source.id);
    putSource(source);
    let added = 0;
    for (const [position, passage] of passages.entries()) {
      const { id, url = null, place = null } = passage;
      const seq = there.get(id);
      there.delete(id);
      if (seq !== undefined) {
        write('update document_passages set position = ?, url = ?, place = ? where seq = ?').run(
          position,
          url,
          place,
          seq,
        );
        if (!isRenamed) continue;
        removeWords(seq);
        addWords(seq, passage);
        continue;
      }
      added += 1;
      const { lastInsertRowid } = write(
        'insert into document_passages (id, source, position, headings, text, url, place) values (?, ?, ?, ?, ?, ?, ?)',
      ).run(id, source.id, position, JSON.stringify(passage.headings), passage.text, url, place);
      addWords(lastInsertRowid, passage);
    }
    for (const seq of there.values()) removePassage(seq);
    return { added, kept: passages.length - added, removed: there.size };
  };

  const numberOf = (text: string): number => Number(Object.values(sql(text).get() ?? {})[0] ?? 0);

  /** How many passages have a word, or, where none has, words that begin so. Who has several forms counts for each. */
  const countOf = ({ forms, prefix }: WordGroup): number => {
    const exact = Number(
      sql(`select sum(doc) as count from document_terms where term in (${placeholders(forms)})`).get(...forms)
        ?.count ?? 0,
    );
    if (exact > 0 || prefix === undefined) return exact;
    const begun = sql('select sum(doc) as count from document_terms where term >= ? and term < ?');
    return Number(begun.get(prefix, `${prefix}\u{10FFFF}`)?.count ?? 0);
  };

  return {
    put: (source, passages) => atomically(() => put(source, passages)),
    touch: (source) => atomically(() => putSource(source)),
    remove: (sourceId) =>
      atomically(() => {
        for (const seq of passagesOf(sourceId).values()) removePassage(seq);
        return write('delete from document_sources where id = ?').run(sourceId).changes > 0;
      }),
    sources: () =>
      sql(
        `select s.*, (select count(*) from document_passages p where p.source = s.id) as passages
         from document_sources s order by location`,
      )
        .all()
        .map(toSource),
    passages: (ids) => {
      const rows = sql(
        `select ${PASSAGE_COLUMNS}
         from document_passages p join document_sources s on s.id = p.source where p.id in (${placeholders(ids)})`,
      )
        .all(...ids)
        .map(toPassage);
      return ids.map((id) => rows.find((row) => row.id === id)).filter((row) => row !== undefined);
    },
    passagesOf: (sourceId) =>
      sql(
        `select ${PASSAGE_COLUMNS} from document_passages p join document_sources s on s.id = p.source
         where s.id = ? order by p.position`,
      )
        .all(sourceId)
        .map(toPassage),
    languages: () =>
      sql("select coalesce(language, '') as language from document_sources group by 1 order by count(*) desc")
        .all()
        .map(({ language }) => String(language)),
    knownTerms: (terms) =>
      sql(`select term from document_terms where term in (${placeholders(terms)})`)
        .all(...terms)
        .map(({ term }) => String(term)),
    byWords: (groups, limit) => {
      const total = numberOf('select count(*) from document_passages');
      if (groups.length === 0) return { total, counts: [], hits: [] };
      const hits = sql(
        `select p.id, w.score from
           (select rowid, -bm25(document_words, ${TITLE_WEIGHT}, 1) as score from document_words
            where document_words match ? order by 2 desc limit ?) w
         join document_passages p on p.seq = w.rowid order by w.score desc, p.seq`,
      )
        .all(matchOf(groups), limit)
        .map((row) => scored.parse(row));
      return { total, counts: groups.map((group) => Math.min(total, countOf(group))), hits };
    },
    unembedded: (model, limit) =>
      sql(
        `select p.id, s.title, p.headings, p.text from document_passages p join document_sources s on s.id = p.source
         where not exists (select 1 from document_vectors v where v.model = ? and v.passage = p.seq)
         order by p.seq limit ?`,
      )
        .all(model, limit)
        .map((row) => unembeddedRow.parse(row))
        .map(({ id, title, headings, text }) => ({
          id,
          text: embeddedText(title, z.array(z.string()).parse(JSON.parse(headings)), text),
        })),
    putVectors: (model, vectors) =>
      atomically(() => {
        for (const { id, vector } of vectors) {
          write(
            `insert or replace into document_vectors (passage, model, vector)
             select seq, ?, ? from document_passages where id = ?`,
          ).run(model, bytesOf(vector), id);
        }
      }),
    // `+`: by the index of models each page would sort all vectors.
    vectors: (model, after, limit) =>
      sql(
        `select v.seq, p.id, v.vector from document_vectors v join document_passages p on p.seq = v.passage
         where +v.model = ? and v.seq > ? order by v.seq limit ?`,
      )
        .all(model, after, limit)
        .map((row) => vectorRow.parse(row))
        .map(({ vector, ...row }) => ({ ...row, vector: vectorOf(vector) })),
    models: () =>
      sql('select model, count(*) as vectors from document_vectors group by model order by model')
        .all()
        .map((row) => modelRow.parse(row)),
    dropModel: (model) =>
      atomically(() => {
        write('delete from document_vectors where model = ?').run(model);
      }),
    version: () => numberOf("select value from document_meta where name = 'version'"),
    close: () => db.close(),
  };
};
