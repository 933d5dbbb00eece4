import { type UpstreamThread, type Visitor, visitorKey, visitorOf } from '../../chat/model.ts';
import { type Connection, number, type Row, text, textOrNull } from '../../sqlite/connection.ts';
import { touchArchive } from '../../stores/sqlite/core-writes.ts';
import type { AuditLine, Erasure } from '../erasure-port.ts';

/** What erases; called in the writer's transactions. */

const erasureOf = (row: Row): Erasure => {
  const [id, madeBy] = [textOrNull(row.thread_id), textOrNull(row.thread_made_by)];
  return {
    visitor: visitorOf(text(row.visitor)),
    at: number(row.at),
    by: text(row.by_whom),
    ...(id !== null && { thread: { id, madeBy: madeBy ?? '' } }),
    erased: number(row.erased),
  };
};

const ERASURE = 'SELECT visitor, at, by_whom, thread_id, thread_made_by, erased FROM ops_erasures';

export const openErasures = (db: Connection): Erasure[] => db.all(`${ERASURE} ORDER BY at`).map(erasureOf);

export const beginErasure = (
  db: Connection,
  {
    visitor,
    at,
    by,
    thread,
  }: Pick<Erasure, 'visitor' | 'at' | 'by'> & { thread: UpstreamThread | undefined },
): Erasure => {
  const key = visitorKey(visitor);
  db.run(
    `INSERT OR IGNORE INTO ops_erasures (visitor, at, by_whom, thread_id, thread_made_by, erased)
     VALUES (?, ?, ?, ?, ?, 0)`,
    ...[key, at, by, thread?.id ?? null, thread?.madeBy ?? null],
  );
  const row = db.get(`${ERASURE} WHERE visitor = ?`, key);
  if (!row) throw new Error('the erasure is not there');
  return erasureOf(row);
};

/** Erases exchanges, with what hangs on them. The triggers of schema.ts see to the rest. */
const eraseRows = (db: Connection, rows: readonly Row[]): void => {
  const ids: string[] = [];
  for (const row of rows) {
    const seq = number(row.seq);
    ids.push(text(row.id));
    touchArchive(db, 'seq = ? AND archive IS NOT NULL', seq);
    db.run('DELETE FROM texts WHERE seq = ?', seq);
    db.run('DELETE FROM exchanges WHERE seq = ?', seq);
  }
  db.run('DELETE FROM keys WHERE id IN (SELECT value FROM json_each(?))', JSON.stringify(ids));
};

/** @returns How many were erased. */
export const eraseSome = (
  db: Connection,
  { visitor, limit }: { visitor: Visitor; limit: number },
): number => {
  const key = visitorKey(visitor);
  db.run('DELETE FROM ops_outbox WHERE visitor = ?', key);
  db.run('DELETE FROM accepted WHERE visitor = ?', key);
  const rows = db.all(
    'SELECT seq, id FROM exchanges WHERE visitor = (SELECT ref FROM visitors WHERE key = ?) LIMIT ?',
    ...[key, limit],
  );
  eraseRows(db, rows);
  db.run('UPDATE ops_erasures SET erased = erased + ? WHERE visitor = ?', rows.length, key);
  return rows.length;
};

/** Erases the visitor itself. */
export const forgetVisitor = (db: Connection, visitor: Visitor): void => {
  const key = visitorKey(visitor);
  db.run('DELETE FROM ops_use WHERE visitor = ?', key);
  // Another visitor of the same id keeps its place in conversations.json by this row; its id is that one's, too.
  const isShared = db.get(
    `SELECT 1 FROM visitors own JOIN visitors other ON other.list = own.list AND other.ref <> own.ref
     WHERE own.key = ? AND own.list <> 0`,
    key,
  );
  if (!isShared) db.run('DELETE FROM visitors WHERE key = ?', key);
  else {
    db.run(
      `UPDATE visitors SET messages = 0, last_seen = NULL, last_time = NULL, name = NULL, thread_id = NULL,
         thread_made_by = NULL WHERE key = ?`,
      key,
    );
  }
};

export const threadDeleted = (db: Connection, visitor: Visitor): void =>
  void db.run(
    'UPDATE ops_erasures SET thread_id = NULL, thread_made_by = NULL WHERE visitor = ?',
    visitorKey(visitor),
  );

export const endErasure = (
  db: Connection,
  { visitor, audit }: { visitor: Visitor; audit: AuditLine },
): void => {
  db.run('DELETE FROM ops_erasures WHERE visitor = ?', visitorKey(visitor));
  addAudit(db, audit);
};

/** @returns How many were erased. */
export const eraseOlder = (db: Connection, { before, limit }: { before: number; limit: number }): number => {
  const rows = db.all(
    'SELECT seq, id, visitor, cleared FROM exchanges WHERE at < ? ORDER BY at LIMIT ?',
    ...[before, limit],
  );
  eraseRows(db, rows);
  for (const { visitor, cleared } of rows) {
    if (visitor !== null && cleared === 0) {
      db.run('UPDATE visitors SET messages = messages - 1 WHERE ref = ?', number(visitor));
    }
  }
  for (const ref of new Set(rows.map(({ visitor }) => visitor))) {
    if (ref !== null) {
      db.run(
        'UPDATE visitors SET last_seen = NULL, name = NULL WHERE ref = ? AND messages <= 0',
        number(ref),
      );
    }
  }
  return rows.length;
};

export const addAudit = (db: Connection, { at, by, action, count, subject }: AuditLine): void =>
  void db.run(
    'INSERT INTO ops_audit (at, by_whom, action, count, subject) VALUES (?, ?, ?, ?, ?)',
    ...[at, by, action, count, subject ?? null],
  );

const ACTIONS = ['erase_visitor', 'retention', 'export', 'sign_in', 'thread_not_deleted'] as const;

export const auditLog = (db: Connection, limit: number): AuditLine[] =>
  db
    .all('SELECT at, by_whom, action, count, subject FROM ops_audit ORDER BY n DESC LIMIT ?', limit)
    .map((row) => {
      const subject = textOrNull(row.subject);
      const action = ACTIONS.find((known) => known === row.action) ?? 'export';
      return {
        at: number(row.at),
        by: text(row.by_whom),
        action,
        count: number(row.count),
        ...(subject !== null && { subject }),
      };
    });
