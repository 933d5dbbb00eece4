/** conversations.json and the archive's files, written from the database on a thread of their own. */

import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { FILE_MODE, FOLDER_MODE, TEMP_SUFFIX } from '../../log-file/durable-file.ts';
import { monthOf } from '../../log-file/log-fields.ts';
import { lineOf } from '../../log-file/log-row.ts';
import { LogText } from '../../log-file/log-text.ts';
import { type Connection, number, text } from '../../sqlite/connection.ts';
import { COLUMNS, FROM, logRowOf } from '../sqlite/rows.ts';
import type { Gone } from './edited-copies.ts';

export const room = 'copy';
export const migrations = [];

/** Bytes in one write. */
const SLICE_BYTES = 128 * 1024;
/** Bytes after which a long file is synced: one sync of all at the end would hold up the writer's behind it. */
const SYNC_EVERY = 4 * 1024 * 1024;
/** Bytes that are left free for the database. */
const SPARE_BYTES = 1024 * 1024;
const SEPARATOR_BYTES = ',\n'.length;
/** Exchanges that go into the archive in one step. */
const ARCHIVED_AT_ONCE = 1000;

/** What stands in a file: its hash, and how the system can tell it from another. */
export interface Written {
  readonly hash: string;
  readonly bytes: number;
}

/** The file would be longer than it may be. */
export interface TooLong {
  readonly tooLong: true;
}

function* textOf(db: Connection, seqs: Iterable<number>): Generator<string> {
  const log = new LogText();
  let slice = '';
  for (const seq of seqs) {
    const row = db.get(`SELECT ${COLUMNS} FROM ${FROM} WHERE e.seq = ?`, seq);
    // It was erased a moment ago.
    if (!row) continue;
    slice += log.add(logRowOf(row));
    if (slice.length < SLICE_BYTES) continue;
    yield slice;
    slice = '';
  }
  yield slice + log.end();
}

const syncFolder = (folder: string): void => {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } catch {
    // Some file systems (network ones, those of Windows under WSL) have no such thing.
  } finally {
    closeSync(handle);
  }
};

/** Writes a text beside its path, synced. @returns undefined where it would be longer than `maxBytes`. */
const writeTemp = (path: string, slices: Iterable<string>, maxBytes: number): Written | undefined => {
  const temp = `${path}${TEMP_SUFFIX}`;
  const hash = createHash('sha256');
  let [bytes, unsynced] = [0, 0];
  const handle = openSync(temp, 'w', FILE_MODE);
  try {
    for (const slice of slices) {
      const data = Buffer.from(slice);
      bytes += data.length;
      if (bytes > maxBytes) return undefined;
      hash.update(data);
      for (let at = 0; at < data.length; ) at += writeSync(handle, data, at);
      unsynced += data.length;
      if (unsynced < SYNC_EVERY) continue;
      fsyncSync(handle);
      unsynced = 0;
    }
    fsyncSync(handle);
  } catch (error) {
    rmSync(temp, { force: true });
    throw error;
  } finally {
    closeSync(handle);
  }
  return { hash: hash.digest('hex'), bytes };
};

const publish = (path: string): void => {
  renameSync(`${path}${TEMP_SUFFIX}`, path);
  syncFolder(dirname(path));
};

/** @throws Error where the disk has no room for a file of so many bytes: half of it would only be in the way. */
const needRoom = (folder: string, bytes: number): void => {
  const { blocks, bfree, bsize } = statfsSync(folder);
  // Some file systems do not tell, and give zero.
  if (blocks > 0 && bfree * bsize < bytes + SPARE_BYTES) {
    throw new Error(`there is no room for ${bytes} more bytes in ${folder}`);
  }
};

const seqsOf = (rows: readonly { seq?: unknown }[]): number[] => rows.map(({ seq }) => Number(seq));

/** What tells a file from another one that was put in its place, and from a changed one. */
export const markOf = ({ ino, size, mtimeMs }: { ino: number; size: number; mtimeMs: number }): string =>
  `${ino} ${size} ${mtimeMs}`;

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** The SHA-256 of a file in hex; undefined where there is none. */
const hashOf = (path: string): string | undefined => {
  if (!existsSync(path)) return undefined;
  const hash = createHash('sha256');
  const handle = openSync(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(1024 * 1024);
    for (let read = readSync(handle, buffer); read > 0; read = readSync(handle, buffer)) {
      hash.update(buffer.subarray(0, read));
    }
    return hash.digest('hex');
  } finally {
    closeSync(handle);
  }
};

export const reads = {
  /**
   * Writes all that is to stand in conversations.json beside it; without a bound also what should be in files of the
   * archive that cannot be written.
   */
  prepareLog: (
    db: Connection,
    { path, maxBytes }: { path: string; maxBytes: number | undefined },
  ): Written | TooLong => {
    needRoom(dirname(path), sizeOf(path));
    const unwritten = 'archive IN (SELECT id FROM archives WHERE written <> 1)';
    const live = `SELECT seq, list, time FROM exchanges INDEXED BY exchanges_live WHERE archive IS NULL`;
    const seqs =
      maxBytes === undefined
        ? db.all(`SELECT seq FROM exchanges WHERE archive IS NULL OR ${unwritten} ORDER BY list, time, seq`)
        : db.all(`${live} ORDER BY list, time, seq`);
    return (
      writeTemp(path, textOf(db, seqsOf(seqs)), maxBytes ?? Number.POSITIVE_INFINITY) ?? { tooLong: true }
    );
  },

  /** Puts the file in its place. @returns Its {@link markOf}. */
  publishLog: (_: Connection, path: string): string => {
    // Before it is there, so that it is not that of what somebody writes over it at once.
    const mark = markOf(statSync(`${path}${TEMP_SUFFIX}`));
    publish(path);
    return mark;
  },

  /** Its module brings zod: 12 MB in this thread, for what is seldom asked. */
  eraseFromEdited: async (_: Connection, { path, gone }: { path: string; gone: Gone }) =>
    (await import('./edited-copies.ts')).eraseFromEdited(path, gone),

  hashOf: (_: Connection, path: string): string | undefined => hashOf(path),

  /** The exchanges that are to leave conversations.json so that about `keepBytes` are left: the oldest, by month. */
  *oldest(db: Connection, keepBytes: number): Generator<{ month: string; seqs: number[] }> {
    const newestFirst = db.all(
      `SELECT seq, at FROM exchanges INDEXED BY exchanges_live WHERE archive IS NULL ORDER BY time DESC, seq DESC`,
    );
    let kept = 0;
    const from = newestFirst.findIndex(({ seq }) => {
      const row = db.get(`SELECT ${COLUMNS} FROM ${FROM} WHERE e.seq = ?`, number(seq));
      kept += row ? Buffer.byteLength(JSON.stringify(lineOf(logRowOf(row)).fields)) + SEPARATOR_BYTES : 0;
      return kept > keepBytes;
    });
    let step: { month: string; seqs: number[] } = { month: '', seqs: [] };
    for (const { seq, at } of from < 0 ? [] : newestFirst.slice(from).reverse()) {
      const month = monthOf(number(at));
      if (month !== step.month || step.seqs.length >= ARCHIVED_AT_ONCE) {
        if (step.seqs.length > 0) yield step;
        step = { month, seqs: [] };
      }
      step.seqs.push(number(seq));
    }
    if (step.seqs.length > 0) yield step;
  },

  /** The names of archive files that are to be written again, and those that are not in their place. */
  unwritten: (db: Connection, folder: string): { id: number; name: string }[] =>
    db
      .all('SELECT id, name, written FROM archives ORDER BY id')
      .map(({ id, name, written }) => ({ id: number(id), name: text(name), written }))
      .filter(({ name, written }) => written !== 1 || !existsSync(join(folder, name)))
      .map(({ id, name }) => ({ id, name })),

  /** Writes a file of the archive; one that nothing is left of goes. */
  writeArchive: (
    db: Connection,
    { folder, id, name }: { folder: string; id: number; name: string },
  ): void => {
    mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
    const path = join(folder, name);
    const seqs = seqsOf(db.all('SELECT seq FROM exchanges WHERE archive = ? ORDER BY list, time, seq', id));
    if (seqs.length === 0) {
      rmSync(path, { force: true });
      syncFolder(folder);
      return;
    }
    writeTemp(path, textOf(db, seqs), Number.POSITIVE_INFINITY);
    publish(path);
  },
};
