import type { ISql } from 'postgres';
import { z } from 'zod';

/**
 * The steps that make the tables, each applied once, in order, in the schema of the connection. What a release has
 * applied is never changed.
 */
const STEPS: readonly string[] = [
  `
  create table tp_document_sources (
    id text collate "C" primary key, kind text not null, location text collate "C" not null, title text not null,
    url text, language text, hash text not null, etag text, found_by text, note text, read_at double precision not null
  );
  create table tp_document_passages (
    seq bigint generated always as identity primary key, id text collate "C" not null unique,
    source text collate "C" not null references tp_document_sources on delete cascade, position integer not null,
    headings text not null, text text not null, url text, place text
  );
  create index tp_document_passages_by_source on tp_document_passages (source, position);

  -- What passages are found by: made by us, so that no dictionary of the database has a say. Kept whole in its row,
  -- as each search reads the rows of all passages that have one of its words.
  create table tp_document_words (
    seq bigint primary key references tp_document_passages on delete cascade,
    words tsvector not null, length integer not null
  ) with (toast_tuple_target = 8160);
  alter table tp_document_words alter column words set storage main;
  create index tp_document_words_by_word on tp_document_words using gin (words);

  create table tp_document_vectors (
    seq bigint generated always as identity primary key,
    passage bigint not null references tp_document_passages on delete cascade,
    model text collate "C" not null, vector bytea not null, unique (passage, model)
  );
  create index tp_document_vectors_by_model on tp_document_vectors (model, seq);

  -- One row: the number of changes, of passages, and of their words.
  create table tp_document_totals (version bigint not null, passages bigint not null, words bigint not null);
  insert into tp_document_totals values (0, 0, 0);
  `,
  `
  -- How many passages have a word: by it the rare words of a question are told, which alone need be looked for.
  create table tp_document_terms (term text collate "C" primary key, passages integer not null) with (fillfactor = 80);
  insert into tp_document_terms select word, ndoc from ts_stat('select words from tp_document_words');
  `,
];

/** The lock under which the tables are made: any number, as long as it stays the same. */
const LOCK = 746_865_717;

const thereRow = z.object({ there: z.boolean() });
const versionRow = z.object({ version: z.number() });

/**
 * Makes the index's tables, or brings them to the version that this code knows; many processes may do it at once.
 * @throws Error where they are of a newer release
 */
export const migrateDocuments = async (own: ISql): Promise<void> => {
  await own`select pg_advisory_xact_lock(${LOCK}::integer, hashtext(current_schema()))`;
  const [table] = await own`select to_regclass('tp_document_versions') is not null as there`;
  if (!thereRow.parse(table).there)
    await own`create table tp_document_versions (version integer primary key)`;
  const [last] = await own`select coalesce(max(version), 0)::integer as version from tp_document_versions`;
  const { version } = versionRow.parse(last);
  if (version > STEPS.length) {
    throw new Error(
      `the index of documents is of version ${version}, and this release knows versions up to ${STEPS.length}. Start the newer release again`,
    );
  }
  for (const [index, step] of STEPS.entries()) {
    if (index < version) continue;
    await own.unsafe(step);
    await own`insert into tp_document_versions (version) values (${index + 1})`;
  }
};
