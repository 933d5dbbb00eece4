import { existsSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { Clock, Logger } from '../../chat/ports.ts';
import { type LogRow, lineOf } from '../../log-file/log-row.ts';
import type { Batch, MovingStore } from '../../log-file/moving-store.ts';
import { type Connection, number, numberOrNull, openWritable } from '../../sqlite/connection.ts';
import { reads } from '../sqlite/core-reads.ts';
import { writes } from '../sqlite/core-writes.ts';
import { makeAndLock } from '../sqlite/lock.ts';
import { MOVING_NOTE as NOTE, pathsIn, prepareDatabase } from '../sqlite/open-database.ts';
import { insertExchange } from '../sqlite/rows.ts';
import { openSqliteStore } from '../sqlite/sqlite-store.ts';
import { hasFiles, hideCleared, importFolder } from './first-import.ts';
import { allFacts, allRows, portable, unfinishedRows } from './read-all.ts';

/** How far a move has come, in `meta`. */
const POSITION = 'moved';

export const holdsDatabase = async (dir: string): Promise<boolean> => existsSync(pathsIn(dir).database);

/** Whether a folder has a store, or a log of which one can be made. */
export const holdsStore = async (dir: string): Promise<boolean> =>
  existsSync(pathsIn(dir).database) || (await hasFiles(dir));

/** Gives each exchange its place after all that its list has. */
const createPlaces = (db: Connection): ((row: LogRow) => number) => {
  /** The latest times of lists that are not one visitor's: 0 and -1. */
  const latest = new Map<number, number | null>();
  const lastOf = (key: string): number | null =>
    numberOrNull(
      db.get('SELECT max(last_time) AS time FROM visitors WHERE key IN (?, ?)', `u:${key}`, `v:${key}`)
        ?.time ?? null,
    );
  const lastIn = (list: number): number | null =>
    numberOrNull(db.get('SELECT max(time) AS time FROM exchanges WHERE list = ?', list)?.time ?? null);
  return (row) => {
    const { visitor, timestamp } = row;
    if (visitor && !visitor.startsWith('a:'))
      return Math.max(timestamp, lastOf(visitor.slice(2)) ?? timestamp);
    const list = visitor === null && lineOf(row).isOdd ? -1 : 0;
    const last = latest.get(list) ?? lastIn(list);
    const time = Math.max(timestamp, last ?? timestamp);
    latest.set(list, time);
    return time;
  };
};

const addBatch = (db: Connection, batch: Batch, placeOf: (row: LogRow) => number): void => {
  for (const [at, row] of (batch.exchanges ?? []).entries()) {
    insertExchange(db, row, { time: batch.times?.[at] ?? placeOf(row) });
  }
  for (const [visitor, thread] of batch.threads ?? []) writes.setThread(db, { visitor, thread });
  for (const [key, { id, timestamp }] of batch.keys ?? []) {
    db.run('INSERT OR REPLACE INTO keys (key, id, at) VALUES (?, ?, ?)', key, id, timestamp);
  }
  for (const id of batch.verified ?? []) writes.markVerified(db, id);
  for (const [token, until] of batch.ended ?? []) {
    db.run('INSERT OR IGNORE INTO ended (token, until) VALUES (?, ?)', token, until);
  }
  for (const [name, value] of batch.facts ?? []) writes.setFact(db, { name, value });
  for (const [day, count] of batch.days ?? []) writes.setDay(db, { day, count });
};

const COUNTS = `SELECT (SELECT count(*) FROM exchanges) AS exchanges, (SELECT count(*) FROM accepted) AS accepted,
  (SELECT count(*) FROM visitors WHERE thread_id IS NOT NULL) AS threads, (SELECT count(*) FROM keys) AS keys,
  (SELECT count(*) FROM verified) AS verified, (SELECT count(*) FROM ended) AS ended,
  (SELECT count(*) FROM facts) AS facts, (SELECT count(*) FROM days) AS days`;

/** What a move writes. */
const TABLES = [
  ...['exchanges', 'texts', 'visitors', 'archives', 'keys', 'verified', 'ended', 'facts', 'days'],
] as const;

/**
 * Opens a data folder for a command; it is made if it is not there, and locked until it is closed.
 * @param deps.maxBytes LOG_MAX_MB in bytes.
 * @throws FolderInUseError where a service runs on it.
 */
export const openMovingFolder = async (deps: {
  dir: string;
  maxBytes: number;
  clock: Clock;
  logger: Logger;
}): Promise<MovingStore> => {
  const { dir, logger } = deps;
  const lock = await makeAndLock(dir);
  let db: Connection | undefined;
  try {
    await importFolder(dir, logger);
    prepareDatabase(dir, logger);
    db = openWritable(pathsIn(dir).database);
  } catch (error) {
    lock.release();
    throw error;
  }
  const open = db;
  const placeOf = createPlaces(open);
  const inTransaction = async <T>(work: () => T): Promise<T> => open.transaction(work);
  let isLocked = true;
  return {
    place: dir,
    note: async () => reads.meta(open, NOTE),
    claim: (note) =>
      inTransaction(() => {
        open.run('INSERT OR IGNORE INTO meta (name, value) VALUES (?, ?)', NOTE, note);
        return reads.meta(open, NOTE) ?? note;
      }),
    unclaim: () =>
      inTransaction(() => void open.run('DELETE FROM meta WHERE name IN (?, ?)', NOTE, POSITION)),
    wipe: () =>
      inTransaction(() => {
        for (const table of TABLES) open.exec(`DELETE FROM ${table}`);
        open.run('DELETE FROM meta WHERE name = ?', POSITION);
      }),
    position: async () => reads.meta(open, POSITION),
    add: (batch, position) =>
      inTransaction(() => {
        addBatch(open, batch, placeOf);
        writes.setMeta(open, { name: POSITION, value: position });
      }),
    async complete() {
      await inTransaction(() => {
        hideCleared(open);
        open.run('DELETE FROM meta WHERE name IN (?, ?)', NOTE, POSITION);
      });
      open.close();
      // The readable copies, as the service would write them.
      isLocked = false;
      const store = await openSqliteStore({ ...deps, lock });
      try {
        await store.updateCopy();
      } finally {
        await store.close();
      }
    },
    counts: async () => {
      const row = open.get(COUNTS) ?? {};
      const count = (name: string): number => number(row[name]);
      return {
        ...{
          exchanges: count('exchanges'),
          accepted: count('accepted'),
          threads: count('threads'),
          keys: count('keys'),
        },
        ...{ verified: count('verified'), ended: count('ended'), facts: count('facts'), days: count('days') },
      };
    },
    unfinished: async () => unfinishedRows(open).map(portable),
    // A service would have the lock.
    isInUse: async () => false,
    async *exchanges() {
      for (const page of allRows(open, 'time')) {
        yield page.map(portable);
        await setImmediate();
      }
    },
    facts: async () => allFacts(open),
    async close() {
      open.close();
      if (isLocked) lock.release();
    },
  };
};
