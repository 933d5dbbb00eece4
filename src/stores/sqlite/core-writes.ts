/** What the store writes; called in the writer's transactions. Each may be called twice: the second time changes nothing. */

import {
  type AcceptedMessage,
  type Exchange,
  type Feedback,
  type UpstreamThread,
  visitorKey,
} from '../../chat/model.ts';
import type { LogRow } from '../../log-file/log-row.ts';
import type { Connection } from '../../sqlite/connection.ts';
import { number } from '../../sqlite/connection.ts';
import { insertExchange, visitorRow } from './rows.ts';

export const room = 'core';
/** Run at the start, before any thread: see schema.ts. */
export const migrations = [];

/** Seconds for which an idempotency key is kept. */
const KEY_S = 86_400;
/** Days whose counts are kept: the budget asks for today, operators may look back a little. */
const KEPT_DAYS = 7;
/** Facts that are kept; beyond, the one that was set longest ago is forgotten. */
const MAX_FACTS = 1000;

/** Says that files of the archive lack something, or have what is erased: they are written again. */
export const touchArchive = (db: Connection, where: string, value: string | number): void => {
  db.run(`UPDATE archives SET written = 0 WHERE id IN (SELECT archive FROM exchanges WHERE ${where})`, value);
};

/** archives.written of a file that is being written. */
const WRITING = 2;

const newArchive = (db: Connection, month: string): number => {
  for (let part = 1; ; part++) {
    const name = part === 1 ? `${month}.json` : `${month}-${part}.json`;
    const made = db.run('INSERT OR IGNORE INTO archives (name, written) VALUES (?, 0)', name);
    if (made.changes > 0) return made.rowid;
  }
};

export const writes = {
  accept: (db: Connection, { id, visitor, user, timestamp, key, name }: AcceptedMessage): void => {
    db.run(
      'INSERT OR REPLACE INTO accepted (id, visitor, said, at, key, name) VALUES (?, ?, ?, ?, ?, ?)',
      ...[id, visitorKey(visitor), user, timestamp, key ?? null, name ?? null],
    );
    if (key === undefined) return;
    db.run('DELETE FROM keys WHERE at < ?', timestamp - KEY_S);
    db.run('INSERT OR REPLACE INTO keys (key, id, at) VALUES (?, ?, ?)', key, id, timestamp);
  },

  /** Takes an acceptance back whose message was refused because it was not known whether it had been written. */
  refuse: (db: Connection, { id, key }: { id: string; key: string | undefined }): void => {
    db.run('DELETE FROM accepted WHERE id = ?', id);
    if (key !== undefined) db.run('DELETE FROM keys WHERE key = ? AND id = ?', key, id);
  },

  finish: (db: Connection, { visitor, key: _, ...exchange }: Exchange): void => {
    db.run('DELETE FROM accepted WHERE id = ?', exchange.id);
    insertExchange(db, { ...exchange, visitor: visitorKey(visitor) });
  },

  /** Exchanges of another log or store. @returns How many were new. */
  add: (db: Connection, rows: readonly { row: LogRow; time?: number }[]): number => {
    let added = 0;
    for (const { row, ...place } of rows) if (insertExchange(db, row, place)) added++;
    return added;
  },

  clear: (db: Connection, { visitor, keep }: { visitor: string; keep: boolean }): void => {
    const { ref } = visitorRow(db, visitor);
    const own = 'visitor = ? AND cleared = 0';
    touchArchive(db, own, ref);
    if (keep) db.run(`UPDATE exchanges SET cleared = 1 WHERE ${own}`, ref);
    else {
      db.run(`DELETE FROM texts WHERE seq IN (SELECT seq FROM exchanges WHERE ${own})`, ref);
      db.run(`DELETE FROM exchanges WHERE ${own}`, ref);
    }
    db.run(
      `UPDATE visitors SET messages = 0, last_seen = NULL, name = NULL, thread_id = NULL, thread_made_by = NULL
       WHERE ref = ?`,
      ref,
    );
  },

  /** @returns Whether the exchange is the visitor's. */
  setFeedback: (
    db: Connection,
    { id, visitor, feedback }: { id: string; visitor: string; feedback: Feedback | undefined },
  ): boolean => {
    const found = db.get(
      `SELECT e.seq FROM exchanges e JOIN visitors v ON v.ref = e.visitor
       WHERE e.id = ? AND v.key = ? AND e.cleared = 0`,
      ...[id, visitor],
    );
    if (!found) return false;
    const seq = number(found.seq);
    db.run('UPDATE exchanges SET rating = ? WHERE seq = ?', feedback?.rating ?? null, seq);
    db.run('UPDATE texts SET comment = ? WHERE seq = ?', feedback?.comment ?? null, seq);
    touchArchive(db, 'seq = ? AND archive IS NOT NULL', seq);
    return true;
  },

  setThread: (
    db: Connection,
    { visitor, thread }: { visitor: string; thread: UpstreamThread | undefined },
  ): void => {
    const { ref } = visitorRow(db, visitor);
    const [id, madeBy] = [thread?.id ?? null, thread?.madeBy ?? null];
    db.run('UPDATE visitors SET thread_id = ?, thread_made_by = ? WHERE ref = ?', id, madeBy, ref);
  },

  markVerified: (db: Connection, id: string): void =>
    void db.run('INSERT OR IGNORE INTO verified (id) VALUES (?)', id),

  /** @returns Whether it had not ended before. */
  endToken: (
    db: Connection,
    { token, until, now }: { token: string; until: number; now: number },
  ): boolean => {
    db.run('DELETE FROM ended WHERE until <= ?', now);
    return db.run('INSERT OR IGNORE INTO ended (token, until) VALUES (?, ?)', token, until).changes > 0;
  },

  setFact: (db: Connection, { name, value }: { name: string; value: string }): void => {
    if (value === '') return void db.run('DELETE FROM facts WHERE name = ?', name);
    db.run('INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)', name, value);
    db.run(`DELETE FROM facts WHERE n <= (SELECT n FROM facts ORDER BY n DESC LIMIT 1 OFFSET ${MAX_FACTS})`);
  },

  setDay: (db: Connection, { day, count }: { day: string; count: number }): void => {
    db.run('INSERT OR REPLACE INTO days (day, count) VALUES (?, ?)', day, count);
    db.run(
      `DELETE FROM days WHERE day <= (SELECT day FROM days ORDER BY day DESC LIMIT 1 OFFSET ${KEPT_DAYS})`,
    );
  },

  setShare: (db: Connection, { key, count }: { key: string; count: number }): void => {
    db.run('INSERT OR REPLACE INTO shares (key, count) VALUES (?, ?)', key, count);
    // Those of the days before.
    db.run('DELETE FROM shares WHERE key < ?', key.slice(0, 10));
  },

  /**
   * Takes exchanges out of conversations.json and into a file of the archive.
   * @param id The file, where it was started before.
   * @returns The file.
   */
  archive: (
    db: Connection,
    { month, seqs, id }: { month: string; seqs: readonly number[]; id: number | undefined },
  ): number => {
    const file = id ?? newArchive(db, month);
    db.run('UPDATE archives SET written = 0 WHERE id = ?', file);
    for (const seq of seqs) {
      db.run('UPDATE exchanges SET archive = ? WHERE seq = ? AND archive IS NULL', file, seq);
    }
    return file;
  },

  /** Says that a file of the archive is going to be written; what changes from now on is not in it. */
  writingArchive: (db: Connection, id: number): void =>
    void db.run('UPDATE archives SET written = ? WHERE id = ?', WRITING, id),

  /** Says that the file is in its place. */
  archiveWritten: (db: Connection, id: number): void => {
    db.run('UPDATE archives SET written = 1 WHERE id = ? AND written = ?', id, WRITING);
    db.run(
      'DELETE FROM archives WHERE id = ? AND NOT EXISTS (SELECT 1 FROM exchanges WHERE archive = ?)',
      id,
      id,
    );
  },

  setMeta: (db: Connection, { name, value }: { name: string; value: string }): void =>
    void db.run('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)', name, value),
};
