import { type Visitor, visitorKey, visitorOf } from '../../chat/model.ts';
import { type Connection, number, type Row, text, textOrNull } from '../../sqlite/connection.ts';
import { fold } from '../fold.ts';
import type { DayUse, Use } from '../ops-port.ts';
import type { Delivery, OutboxState, OutEvent } from '../outbox-port.ts';
import { QUARTER_S } from './schema.ts';

/** The whole site, in ops_use. */
const SITE = '';
/** Days whose use is kept. */
const KEPT_DAYS = 62;

const useOf = (row: Row | undefined): Use =>
  row ? { tokens: number(row.tokens), cost: number(row.cost) } : { tokens: 0, cost: 0 };

export const dayUse = (db: Connection, { day, visitor }: { day: string; visitor: Visitor }): DayUse => {
  const read = (who: string): Use =>
    useOf(db.get('SELECT tokens, cost FROM ops_use WHERE day = ? AND visitor = ?', day, who));
  return { site: read(SITE), visitor: read(visitorKey(visitor)) };
};

export const addUse = (
  db: Connection,
  { day, visitor, use }: { day: string; visitor: Visitor; use: Use },
): DayUse => {
  for (const who of [SITE, visitorKey(visitor)]) {
    db.run(
      `INSERT INTO ops_use (day, visitor, tokens, cost) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET tokens = tokens + excluded.tokens, cost = cost + excluded.cost`,
      ...[day, who, use.tokens, use.cost],
    );
  }
  return dayUse(db, { day, visitor });
};

export const addRefused = (
  db: Connection,
  { at, counts }: { at: number; counts: Readonly<Record<string, number>> },
): void => {
  for (const [code, count] of Object.entries(counts)) {
    db.run(
      `INSERT INTO ops_refused (quarter, code, count) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET count = count + excluded.count`,
      ...[Math.floor(at / QUARTER_S), code, count],
    );
  }
  db.run(
    `DELETE FROM ops_use WHERE day < (SELECT date(max(day), '-${KEPT_DAYS} days') FROM ops_use WHERE visitor = '')`,
  );
};

/** Puts texts into the search index that are not in it yet. @returns How many. */
export const index = (db: Connection, limit: number): number => {
  const rows = db.all(
    `SELECT seq, said, answer FROM texts WHERE seq > (SELECT coalesce(max(seq), 0) FROM ops_texts) ORDER BY seq LIMIT ?`,
    limit,
  );
  for (const row of rows) {
    const folded = fold(`${text(row.said)}\n${textOrNull(row.answer) ?? ''}`);
    db.run('INSERT OR IGNORE INTO ops_texts (seq, folded) VALUES (?, ?)', number(row.seq), folded);
  }
  return rows.length;
};

export const enqueue = (db: Connection, { id, type, visitor, at, body }: OutEvent): void =>
  void db.run(
    'INSERT OR IGNORE INTO ops_outbox (id, type, visitor, at, body, tries, next) VALUES (?, ?, ?, ?, ?, 0, ?)',
    ...[id, type, visitor ? visitorKey(visitor) : null, at, body, at],
  );

export const due = (
  db: Connection,
  { now, leaseUntil, limit }: { now: number; leaseUntil: number; limit: number },
): Delivery[] => {
  const rows = db.all(
    'SELECT id, type, visitor, at, body, tries FROM ops_outbox WHERE next <= ? ORDER BY next, at LIMIT ?',
    ...[now, limit],
  );
  for (const { id } of rows) db.run('UPDATE ops_outbox SET next = ? WHERE id = ?', leaseUntil, text(id));
  return rows.map((row) => {
    const visitor = textOrNull(row.visitor);
    return {
      id: text(row.id),
      type: text(row.type),
      ...(visitor !== null && { visitor: visitorOf(visitor) }),
      at: number(row.at),
      body: text(row.body),
      tries: number(row.tries),
    };
  });
};

export const delivered = (db: Connection, id: string): void =>
  void db.run('DELETE FROM ops_outbox WHERE id = ?', id);

/** Deliveries that were given up are shown for so long, in seconds. */
const SHOWN_S = 7 * 86_400;

export const notDelivered = (
  db: Connection,
  { id, reason, next }: { id: string; reason: string; next: number | null },
): void => {
  db.run(
    `UPDATE ops_outbox SET tries = tries + 1, reason = ?, next = ?, body = iif(? IS NULL, '', body) WHERE id = ?`,
    ...[reason, next, next, id],
  );
  db.run('DELETE FROM ops_outbox WHERE next IS NULL AND at < (SELECT max(at) FROM ops_outbox) - ?', SHOWN_S);
};

export const outboxState = (db: Connection): OutboxState => ({
  waiting: number(db.get('SELECT count(*) AS count FROM ops_outbox WHERE next IS NOT NULL')?.count),
  troubled: db
    .all('SELECT id, type, at, tries, reason, next FROM ops_outbox WHERE tries > 0 ORDER BY at DESC LIMIT 20')
    .map((row) => ({
      id: text(row.id),
      type: text(row.type),
      at: number(row.at),
      tries: number(row.tries),
      reason: textOrNull(row.reason) ?? '',
      givenUp: row.next === null,
    })),
});
