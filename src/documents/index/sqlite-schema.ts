import type { DatabaseSync } from 'node:sqlite';

/** The steps that make the tables, each applied once, in order. What a release has applied is never changed. */
const STEPS: readonly string[] = [
  `
  create table document_sources (
    id text primary key, kind text not null, location text not null, title text not null, url text, language text,
    hash text not null, etag text, found_by text, note text, read_at real not null
  ) strict;
  create table document_passages (
    seq integer primary key autoincrement, id text not null unique, source text not null, position integer not null,
    headings text not null, text text not null, url text, place text
  ) strict;
  create index document_passages_by_source on document_passages (source, position);
  -- Terms that were made by us: nothing is left to fold or to cut.
  create virtual table document_words using fts5 (
    title, body, content='', contentless_delete=1, tokenize="unicode61 categories 'L* N* M* Co'"
  );
  create virtual table document_terms using fts5vocab (document_words, 'row');
  create table document_vectors (
    seq integer primary key autoincrement, passage integer not null, model text not null, vector blob not null,
    unique (model, passage)
  ) strict;
  create index document_vectors_by_passage on document_vectors (passage);
  create table document_meta (name text primary key, value integer not null) strict;
  insert into document_meta values ('version', 0);
  `,
];

/**
 * Makes the index's tables in a database, or brings them to the version that this code knows.
 * @throws Error where they are of a newer release
 */
export const migrateDocuments = (db: DatabaseSync): void => {
  db.exec('begin immediate');
  try {
    db.exec('create table if not exists document_versions (version integer primary key) strict');
    const row = db.prepare('select coalesce(max(version), 0) as version from document_versions').get();
    const version = Number(row?.version ?? 0);
    if (version > STEPS.length) {
      throw new Error(
        `the index of documents is of version ${version}, and this release knows versions up to ${STEPS.length}. Start the newer release again`,
      );
    }
    for (const [index, step] of STEPS.entries()) {
      if (index < version) continue;
      db.exec(step);
      db.prepare('insert into document_versions values (?)').run(index + 1);
    }
    db.exec('commit');
  } catch (thrown) {
    db.exec('rollback');
    throw thrown;
  }
};
