import { existsSync, readdirSync, rmSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../chat/ports.ts';
import { TEMP_SUFFIX } from '../../log-file/durable-file.ts';
import { closeToOthers } from '../../private-file.ts';
import { type Connection, openReadable, openWritable, text } from '../../sqlite/connection.ts';
import { migrateCore, NewerSchemaError } from '../../sqlite/migrate.ts';
import { thrownOf } from '../../sqlite/protocol.ts';
import { COPY_STATE, type CopyState, readCopyState } from '../log-copy/state.ts';
import { reads } from './core-reads.ts';
import { folderError } from './lock.ts';
import { migrations } from './schema.ts';

/** Where a data folder has what. */
export const pathsIn = (dir: string) => ({
  database: join(dir, 'thread-proxy.db'),
  log: join(dir, 'conversations.json'),
  archive: join(dir, 'archive'),
});

/** The files that SQLite puts beside a database. */
export const SIDE_FILES = ['-wal', '-shm', '-journal'] as const;

/** Removes what a crash left half-written: it takes room, and may hold what was erased since. */
export const removeHalfWritten = async (dir: string): Promise<void> => {
  for (const folder of [dir, pathsIn(dir).archive]) {
    const names = await readdir(folder).catch(() => []);
    for (const name of names.filter((one) => one.endsWith(TEMP_SUFFIX))) {
      await rm(join(folder, name), { force: true }).catch(() => undefined);
    }
  }
};

/** The copies, and what a killed process left beside the database. */
const ownFiles = (dir: string): string[] => {
  const { database, log, archive } = pathsIn(dir);
  const months = existsSync(archive) ? readdirSync(archive) : [];
  return [...SIDE_FILES.map((end) => `${database}${end}`), log, ...months.map((name) => join(archive, name))];
};

/** SQLite's codes for a file that is no database, or a broken one. */
const DAMAGED = new Set([11, 26]);

const isDamage = (error: unknown): boolean => DAMAGED.has((thrownOf(error).errcode ?? 0) & 0xff);

const refuseDamaged = (file: string, cause: unknown): never => {
  const reason = cause instanceof Error ? cause.message : String(cause);
  throw new Error(
    `The database ${file} is damaged (${reason}). It was not changed. Restore a backup; or move it and the files ${SIDE_FILES.map((end) => `${file}${end}`).join(', ')} away and start again: the service then rebuilds the database from conversations.json and archive/, without sessions and threads.`,
    { cause },
  );
};

const journalMode = (db: Connection, mode: string): boolean =>
  text(db.get(`PRAGMA journal_mode = ${mode}`)?.journal_mode).toLowerCase() === mode.toLowerCase();

/** Tries a write and, by another connection, a read: some file systems accept WAL and fail at its first use. */
const probe = (file: string, db: Connection): void => {
  db.run(`INSERT OR REPLACE INTO meta (name, value) VALUES ('probe', ?)`, new Date().toISOString());
  const reader = openReadable(file);
  try {
    reader.get('SELECT value FROM meta');
  } finally {
    reader.close();
  }
};

/** What the database says of conversations.json; from now on it may lack something. */
const takeCopyState = (db: Connection): CopyState => {
  const state = readCopyState(reads.meta(db, COPY_STATE));
  if (state.complete) {
    const value = JSON.stringify({ ...state, complete: false });
    db.run('UPDATE meta SET value = ? WHERE name = ?', value, COPY_STATE);
  }
  return state;
};

const openIn = (file: string, mode: 'WAL' | 'TRUNCATE'): CopyState => {
  // Alone it needs no shared memory, so that a database in WAL mode can be read here at all, and taken out of it.
  const db = openWritable(file, { alone: mode === 'TRUNCATE' });
  try {
    db.get('SELECT count(*) FROM sqlite_schema');
    if (!journalMode(db, mode)) throw new Error(`the file system does not take SQLite's ${mode} mode`);
    db.exec('PRAGMA locking_mode = NORMAL');
    migrateCore(db, migrations);
    probe(file, db);
    return takeCopyState(db);
  } finally {
    db.close();
  }
};

/**
 * Makes the database if it is missing, brings its tables up to date and finds the mode in which this file system
 * can keep it.
 * @returns Whether readers and the writer can work at the same time, and what is known of conversations.json.
 * @throws Error that says what to do where the database is damaged, newer than this version, or cannot be kept here.
 */
export const prepareDatabase = (
  dir: string,
  logger: Logger,
): { concurrent: boolean; copyState: CopyState } => {
  const { database: file } = pathsIn(dir);
  const isNew = !existsSync(file);
  for (const path of ownFiles(dir)) closeToOthers(path);
  try {
    return { concurrent: true, copyState: openIn(file, 'WAL') };
  } catch (error) {
    if (error instanceof NewerSchemaError) throw error;
    if (isDamage(error)) refuseDamaged(file, error);
    if (isNew) rmSync(file, { force: true });
    let copyState: CopyState;
    try {
      copyState = openIn(file, 'TRUNCATE');
    } catch (second) {
      if (isDamage(second)) refuseDamaged(file, second);
      throw folderError(dir, 'used for the database', isNew ? second : error);
    }
    logger.warn(
      { err: error, file },
      'the file system does not support write-ahead logging: writing is slower; use a local disk',
    );
    return { concurrent: false, copyState };
  }
};

/** The name in `meta` of the note of a move that is under way, or was cut off: where it comes from. */
export const MOVING_NOTE = 'moving';

/** @throws Error that says what to run, where a move into this folder was cut off: half of a log is none. */
export const refuseHalfMoved = (db: Connection, dir: string): void => {
  const from = reads.meta(db, MOVING_NOTE);
  if (from === undefined) return;
  throw new Error(
    `The data folder ${dir} is half-moved: the move from ${from} is not complete. Run the same move again until it is done: npm run move -- --from ${from} --to ${dir}`,
  );
};
