import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { makePrivate } from '../private-file.ts';

/** A row by its columns' names. */
export type Row = Record<string, SQLOutputValue>;

/** Statements that a connection keeps prepared; SQL texts are constants, so that there are seldom so many. */
const MAX_STATEMENTS = 500;

/** A connection that prepares each statement once. SQL texts must be constants: values are bound, never pasted in. */
export class Connection {
  readonly database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.database = database;
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    if (this.#statements.size >= MAX_STATEMENTS) this.#statements.clear();
    const statement = this.database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  /** The first row. */
  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepared(sql).get(...values);
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepared(sql).all(...values);
  }

  /** Rows one by one. Do not run the same SQL on this connection before the end. */
  rows(sql: string, ...values: SQLInputValue[]): Iterable<Row> {
    return this.#prepared(sql).iterate(...values);
  }

  /** @returns Rows that were changed, and the rowid of the last one that was inserted. */
  run(sql: string, ...values: SQLInputValue[]): { changes: number; rowid: number } {
    const { changes, lastInsertRowid } = this.#prepared(sql).run(...values);
    return { changes: Number(changes), rowid: Number(lastInsertRowid) };
  }

  /** Runs statements without values. */
  exec(sql: string): void {
    this.database.exec(sql);
  }

  /** Runs work in a transaction: all of it, or nothing where it throws. */
  transaction<T>(work: () => T): T {
    this.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.exec('COMMIT');
      return result;
    } catch (error) {
      // Some errors (a full disk) have rolled it back already.
      if (this.database.isTransaction) this.exec('ROLLBACK');
      throw error;
    }
  }

  close(): void {
    this.#statements.clear();
    if (this.database.isOpen) this.database.close();
  }
}

/** Milliseconds that a connection waits for another one's lock, where there is one: in WAL mode seldom, and short. */
export const BUSY_MS = 5000;

/**
 * Opens the database for writing.
 * @param options.alone No other connection is open: then it works without shared memory.
 * @throws The system's error; SQLite's where it is not a database.
 */
export const openWritable = (file: string, options: { readonly alone?: boolean } = {}): Connection => {
  // SQLite gives the files that it puts beside it the same mode.
  makePrivate(file);
  const database = new DatabaseSync(file, { timeout: BUSY_MS, enableForeignKeyConstraints: false });
  const connection = new Connection(database);
  if (options.alone) connection.exec('PRAGMA locking_mode = EXCLUSIVE');
  // A commit is on the disk when it returns; what is deleted leaves no trace in the file.
  connection.exec(`
    PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
    PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 16384`);
  return connection;
};

/** Opens the database for reading. */
export const openReadable = (file: string): Connection => {
  const database = new DatabaseSync(file, { readOnly: true, timeout: BUSY_MS });
  const connection = new Connection(database);
  connection.exec('PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192');
  return connection;
};

const wrong = (value: SQLOutputValue | undefined, expected: string): never => {
  throw new TypeError(
    `the database gave ${value === null ? 'null' : typeof value} where ${expected} was expected`,
  );
};

/** A column's text. @throws TypeError where it is something else. */
export const text = (value: SQLOutputValue | undefined): string =>
  typeof value === 'string' ? value : wrong(value, 'a text');

/** A column's number. @throws TypeError where it is something else. */
export const number = (value: SQLOutputValue | undefined): number =>
  typeof value === 'number' ? value : wrong(value, 'a number');

export const textOrNull = (value: SQLOutputValue | undefined): string | null =>
  value === null ? null : text(value);

export const numberOrNull = (value: SQLOutputValue | undefined): number | null =>
  value === null ? null : number(value);
