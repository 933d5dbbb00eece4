import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Logger } from '../../chat/ports.ts';
import { checkLog } from '../../log-file/check-log.ts';
import { errnoOf, syncFolder } from '../../log-file/durable-file.ts';
import { type LogReader, openLogReader } from '../../log-file/log-reader.ts';
import type { LogRow } from '../../log-file/log-row.ts';
import { olderId } from '../../log-file/older-form.ts';
import { type LoggedExchange, rowOfLogged } from '../../log-file/read-log.ts';
import { type Connection, number, openWritable, text } from '../../sqlite/connection.ts';
import { migrateCore } from '../../sqlite/migrate.ts';
import { COPY_STATE, type CopyState } from '../log-copy/state.ts';
import { pathsIn, SIDE_FILES } from '../sqlite/open-database.ts';
import { insertExchange } from '../sqlite/rows.ts';
import { migrations } from '../sqlite/schema.ts';

/** Milliseconds between two lines that tell how far it is. */
const TELL_MS = 5000;

/** By month, those of one month in the order in which they were written: `2026-11.json`, `2026-11-2.json`. */
const ARCHIVE_NAME = /^(\d{4}-\d{2}|undated)(?:-(\d+))?\.json$/;

const archiveOrder = (name: string): [month: string, part: number] => {
  const [, month = name, part = '1'] = ARCHIVE_NAME.exec(name) ?? [];
  // A time that no calendar knows may be any: the start is as good as another place.
  return [month === 'undated' ? '' : month, Number(part)];
};

/** The names of the archive's files, oldest first. */
const archiveNames = async (folder: string): Promise<string[]> => {
  const names = await readdir(folder).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  return names
    .filter((name) => name.endsWith('.json'))
    .map((name) => ({ name, order: archiveOrder(name) }))
    .sort(({ order: [a, m] }, { order: [b, n] }) => (a < b ? -1 : a > b ? 1 : m - n))
    .map(({ name }) => name);
};

const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    (error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return 0;
      throw error;
    },
  );

const hashOf = async (file: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
};

/** Whether two exchanges of one id are the same. */
const isSame = (db: Connection, row: LogRow): boolean => {
  const found = db.get(
    `SELECT v.key AS visitor, e.at, t.said FROM exchanges e JOIN texts t ON t.seq = e.seq
     LEFT JOIN visitors v ON v.ref = e.visitor WHERE e.id = ?`,
    row.id,
  );
  if (!found) return false;
  return found.visitor === row.visitor && number(found.at) === row.timestamp && text(found.said) === row.user;
};

/** Writes an exchange once, though two files have it; an id that another one has is no name for this one. */
const add = (db: Connection, one: LoggedExchange, row: LogRow, archive: number | undefined): void => {
  const place = { time: one.time, ...(archive !== undefined && { archive }) };
  if (!insertExchange(db, row, place) && !isSame(db, row)) {
    insertExchange(db, rowOfLogged(one, olderId(one.key, one.index, one.stored)), place);
  }
  // A user_id that was once verified needs proof from now on; here only the log says which were.
  if (row.visitor?.startsWith('v:')) {
    db.run('INSERT OR IGNORE INTO verified (id) VALUES (?)', row.visitor.slice(2));
  }
};

/**
 * Takes out of histories what its visitor cleared where the log has no mark of it: in the archive of an older
 * form nothing was marked, and it was out of histories anyway. What came later by time stays.
 */
export const hideCleared = (db: Connection): void => {
  db.exec(`
    UPDATE exchanges AS e SET cleared = 1
    FROM (SELECT visitor, max(time) AS last, max(at) AS until FROM exchanges
      WHERE cleared = 1 AND visitor IS NOT NULL GROUP BY visitor) AS c
    WHERE e.visitor = c.visitor AND e.time < c.last AND e.at <= c.until AND e.cleared = 0;
    UPDATE visitors AS v SET messages = (SELECT count(*) FROM exchanges e WHERE e.visitor = v.ref AND e.cleared = 0)
    WHERE ref IN (SELECT visitor FROM exchanges WHERE cleared = 1)`);
};

/** Reads one file into the database. @throws LogFaults */
const readInto = async (
  db: Connection,
  file: string,
  archive: number | undefined,
  tell: (reader: LogReader) => void,
): Promise<number> => {
  if ((await sizeOf(file)) === 0) return 0;
  const reader = openLogReader(file);
  try {
    const pass = { signal: new AbortController().signal, onProgress: () => tell(reader) };
    const { exchanges } = await checkLog(reader, pass, (one, row) => add(db, one, row, archive));
    return exchanges;
  } finally {
    reader.close();
  }
};

/** Whether a folder has conversations.json or files of an archive. */
export const hasFiles = async (dir: string): Promise<boolean> => {
  const { log, archive } = pathsIn(dir);
  return (await sizeOf(log)) > 0 || (await archiveNames(archive)).length > 0;
};

/** The files of a folder's log, archive and live, oldest first. */
export const filesOf = async (dir: string): Promise<string[]> => {
  const { log, archive } = pathsIn(dir);
  const archived = (await archiveNames(archive)).map((name) => path.join(archive, name));
  return (await sizeOf(log)) > 0 ? [...archived, log] : archived;
};

/**
 * Makes the database from conversations.json and the archive where there is none: the first start on a folder of an
 * older form, and the way back from a database that was lost. The files are only read. A crash in between leaves
 * no database, so that the next start begins again.
 * @throws LogFaults that lists what is wrong in a file; nothing is changed then.
 */
export const importFolder = async (dir: string, logger: Logger): Promise<void> => {
  const { database, log, archive } = pathsIn(dir);
  if ((await sizeOf(database)) > 0) return;
  const names = await archiveNames(archive);
  const sizes = await Promise.all([...names.map((name) => path.join(archive, name)), log].map(sizeOf));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const unfinished = `${database}.importing`;
  const remove = async (): Promise<void> => {
    for (const end of ['', ...SIDE_FILES]) await rm(`${unfinished}${end}`, { force: true });
  };
  await remove();
  if (total === 0) return;

  logger.info({ dir, bytes: total }, 'making the database from conversations.json and the archive');
  const db = openWritable(unfinished);
  let toldAt = performance.now();
  let [done, exchanges] = [0, 0];
  const tell = ({ position }: LogReader): void => {
    if (performance.now() - toldAt < TELL_MS) return;
    toldAt = performance.now();
    logger.info({ percent: Math.floor((100 * (done + position)) / total) }, 'making the database');
  };
  try {
    // Nobody reads it before it is whole: until then it need not be durable.
    db.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF');
    migrateCore(db, migrations);
    for (const [at, name] of names.entries()) {
      db.exec('BEGIN');
      const { rowid } = db.run('INSERT INTO archives (name, written) VALUES (?, 1)', name);
      exchanges += await readInto(db, path.join(archive, name), rowid, tell);
      db.exec('COMMIT');
      done += sizes[at] ?? 0;
    }
    db.exec('BEGIN');
    exchanges += await readInto(db, log, undefined, tell);
    const state: CopyState = { hashes: (await sizeOf(log)) > 0 ? [await hashOf(log)] : [], complete: false };
    db.run('INSERT INTO meta (name, value) VALUES (?, ?)', COPY_STATE, JSON.stringify(state));
    hideCleared(db);
    db.exec('COMMIT');
    db.close();
  } catch (error) {
    db.close();
    await remove();
    throw error;
  }
  const handle = await open(unfinished, 'r+');
  await handle.sync();
  await handle.close();
  // Of a database that was here before: SQLite would use it for this one.
  for (const end of SIDE_FILES) await rm(`${database}${end}`, { force: true, recursive: false });
  await rename(unfinished, database);
  await syncFolder(dir);
  logger.info({ dir, exchanges }, 'the database is made');
};
