/** What the store reads: short look-ups, on the service's own connection or on the reader's thread. */

import {
  type AcceptedMessage,
  type Exchange,
  type UpstreamThread,
  type VisitorSummary,
  visitorOf,
} from '../../chat/model.ts';
import {
  type Connection,
  number,
  numberOrNull,
  type Row,
  text,
  textOrNull,
} from '../../sqlite/connection.ts';
import { COLUMNS, exchangeOf, FROM, logRowOf } from './rows.ts';

export const room = 'core';
export const migrations = [];

const messageOf = (row: Row): AcceptedMessage => {
  const [key, name] = [textOrNull(row.key), textOrNull(row.name)];
  return {
    id: text(row.id),
    visitor: visitorOf(text(row.visitor)),
    user: text(row.said),
    timestamp: number(row.at),
    ...(key !== null && { key }),
    ...(name !== null && { name }),
  };
};

const isDefined = <T>(value: T | undefined): value is T => value !== undefined;

export const reads = {
  accepted: (db: Connection): AcceptedMessage[] =>
    db.all('SELECT id, visitor, said, at, key, name FROM accepted ORDER BY at').map(messageOf),

  exchange: (db: Connection, id: string): Exchange | undefined => {
    const row = db.get(`SELECT ${COLUMNS} FROM ${FROM} WHERE e.id = ? AND e.cleared = 0`, id);
    return row && exchangeOf(logRowOf(row));
  },

  recent: (
    db: Connection,
    { visitor, limit, before }: { visitor: string; limit: number; before?: string | undefined },
  ): Exchange[] => {
    const ref = db.get('SELECT ref FROM visitors WHERE key = ?', visitor)?.ref;
    if (ref === undefined) return [];
    const own = `SELECT ${COLUMNS} FROM ${FROM} WHERE e.visitor = ? AND e.cleared = 0`;
    const order = 'ORDER BY e.time DESC, e.seq DESC LIMIT ?';
    const page = (): Row[] => {
      if (before === undefined) return db.all(`${own} ${order}`, ref, limit);
      const end = db.get(
        'SELECT time, seq FROM exchanges WHERE id = ? AND visitor = ? AND cleared = 0',
        ...[before, ref],
      );
      if (!end) return [];
      return db.all(
        `${own} AND (e.time, e.seq) < (?, ?) ${order}`,
        ref,
        number(end.time),
        number(end.seq),
        limit,
      );
    };
    return page()
      .map((row) => exchangeOf(logRowOf(row)))
      .filter(isDefined);
  },

  keyed: (db: Connection, key: string): string | undefined => {
    const row = db.get('SELECT id FROM keys WHERE key = ?', key);
    return row && text(row.id);
  },

  /** What the visitor's next run needs of those before it. */
  standing: (db: Connection, visitor: string): { thread: UpstreamThread | null; lastSeen: number | null } => {
    const row = db.get('SELECT thread_id, thread_made_by, last_seen FROM visitors WHERE key = ?', visitor);
    const id = textOrNull(row?.thread_id ?? null);
    return {
      thread: id === null ? null : { id, madeBy: text(row?.thread_made_by) },
      lastSeen: numberOrNull(row?.last_seen ?? null),
    };
  },

  isVerified: (db: Connection, id: string): boolean =>
    db.get('SELECT 1 FROM verified WHERE id = ?', id) !== undefined,

  hasEnded: (db: Connection, token: string): boolean =>
    db.get('SELECT 1 FROM ended WHERE token = ?', token) !== undefined,

  fact: (db: Connection, name: string): string | undefined => {
    const row = db.get('SELECT value FROM facts WHERE name = ?', name);
    return row && text(row.value);
  },

  meta: (db: Connection, name: string): string | undefined => {
    const row = db.get('SELECT value FROM meta WHERE name = ?', name);
    return row && text(row.value);
  },

  days: (db: Connection): Map<string, number> =>
    new Map(db.all('SELECT day, count FROM days').map(({ day, count }) => [text(day), number(count)])),

  shares: (db: Connection): Map<string, number> =>
    new Map(db.all('SELECT key, count FROM shares').map(({ key, count }) => [text(key), number(count)])),

  visitors: (
    db: Connection,
    { limit, after = '', name }: { limit: number; after?: string | undefined; name?: string | undefined },
  ): VisitorSummary[] => {
    const select = 'SELECT key, messages, last_seen, name FROM visitors WHERE messages > 0 AND key > ?';
    const rows =
      name === undefined
        ? db.all(`${select} ORDER BY key LIMIT ?`, after, limit)
        : db.all(`${select} AND name = ? ORDER BY key LIMIT ?`, after, name, limit);
    return rows.map((row) => {
      const [key, called] = [text(row.key), textOrNull(row.name)];
      const summary = {
        key,
        visitor: visitorOf(key),
        messages: number(row.messages),
        lastSeen: number(row.last_seen),
      };
      return called === null ? summary : { ...summary, name: called };
    });
  },
};
