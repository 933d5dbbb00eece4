// A room of its own in the store's database, as room.ts describes it.
import type { Connection } from '../../../src/sqlite/connection.ts';

export const room = 'notes';
export const migrations = [
  `CREATE TABLE notes (n INTEGER PRIMARY KEY, said TEXT NOT NULL CHECK (said <> '')) STRICT`,
  (db: Connection): void => {
    db.run(`INSERT INTO notes (n, said) VALUES (0, 'first')`);
    db.exec(`
      CREATE TABLE notes_seen (seq INTEGER PRIMARY KEY) STRICT;
      CREATE TRIGGER notes_on_exchange AFTER INSERT ON exchanges
        BEGIN INSERT INTO notes_seen VALUES (new.seq); END`);
  },
];

const said = (rows: readonly { said?: unknown }[]): string[] => rows.map((row) => String(row.said));

export const reads = {
  all: (db: Connection): string[] => said(db.all('SELECT said FROM notes ORDER BY n')),
  count: (db: Connection): number => Number(db.get('SELECT count(*) AS n FROM notes')?.n),
  exchanges: (db: Connection): number => Number(db.get('SELECT count(*) AS n FROM notes_seen')?.n),
  *inPages(db: Connection, size: number): Generator<string[]> {
    for (let from = 0; ; from += size) {
      const page = said(db.all('SELECT said FROM notes WHERE n >= ? ORDER BY n LIMIT ?', from, size));
      if (page.length === 0) return;
      yield page;
    }
  },
  fail: (): never => {
    throw new Error('it cannot be read');
  },
};

export const writes = {
  add: (db: Connection, text: string): number => {
    if (text === '') throw new Error('a note is not empty');
    return db.run('INSERT INTO notes (said) VALUES (?)', text).rowid;
  },
};
