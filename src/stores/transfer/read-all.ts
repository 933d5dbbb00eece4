/** Reading all of the database, for commands. */

import { existsSync } from 'node:fs';
import { visitorOf } from '../../chat/model.ts';
import { fits, kept, type LogRow, lineOf, rowOf } from '../../log-file/log-row.ts';
import type { MovedFacts } from '../../log-file/moving-store.ts';
import { storedExchange } from '../../log-file/stored-exchange.ts';
import { type Connection, number, openReadable, text } from '../../sqlite/connection.ts';
import { reads } from '../sqlite/core-reads.ts';
import { pathsIn } from '../sqlite/open-database.ts';
import { COLUMNS, FROM, logRowOf } from '../sqlite/rows.ts';

/** Exchanges that are handed on at once. */
const PAGE = 1000;

/** By list as conversations.json has them, those of keys that are no visitor's last; or as they came. */
const ORDERS = { list: 'list < 0, list, time, seq', time: 'time, seq' } as const;

/** All exchanges, in pages. In memory are only their numbers. */
export function* allRows(db: Connection, order: keyof typeof ORDERS): Generator<LogRow[]> {
  const seqs = Float64Array.from(db.all(`SELECT seq FROM exchanges ORDER BY ${ORDERS[order]}`), ({ seq }) =>
    number(seq),
  );
  for (let at = 0; at < seqs.length; at += PAGE) {
    const rows: LogRow[] = [];
    for (const seq of seqs.subarray(at, at + PAGE)) {
      const row = db.get(`SELECT ${COLUMNS} FROM ${FROM} WHERE e.seq = ?`, seq);
      if (row) rows.push(logRowOf(row));
    }
    yield rows;
  }
}

/**
 * All exchanges of a data folder, key by key as conversations.json has them; a service may go on meanwhile.
 * @throws Error where the folder has no database.
 */
export function* readFolderByKey(dir: string): Generator<LogRow[]> {
  const { database } = pathsIn(dir);
  if (!existsSync(database)) throw new Error(`There is no database in ${dir}.`);
  const db = openReadable(database);
  try {
    yield* allRows(db, 'list');
  } finally {
    db.close();
  }
}

/** The row as any store can keep it: what an upstream has said may have characters that Postgres has not. */
export const portable = (row: LogRow): LogRow => {
  if (fits(row.id) && [row.user, row.bot ?? '', row.error ?? ''].every((one) => !one.includes('\u0000')))
    return row;
  const { key, fields } = lineOf(row);
  return rowOf({ key, id: row.id, fields, stored: storedExchange.parse(fields) });
};

/** Messages that were accepted and never finished, as the service would log them at its next start. */
export const unfinishedRows = (db: Connection): LogRow[] =>
  reads.accepted(db).map(({ id, visitor, user, timestamp, name }) => ({
    ...{ id, user, timestamp, bot: null, error: 'internal_error' },
    visitor: `${visitor.kind.slice(0, 1)}:${visitor.id}`,
    ...(name !== undefined && { name }),
  }));

/** Pairs as any store can keep them; where two texts become one, the later pair is kept. */
const pairs = <T>(all: readonly (readonly [string, T])[]): (readonly [string, T])[] => [
  ...new Map(all.map(([key, value]) => [kept(key), value])),
];

/** All that is kept beside the exchanges, as any store can keep it. */
export const allFacts = (db: Connection): MovedFacts => ({
  threads: db
    .all('SELECT key, thread_id, thread_made_by FROM visitors WHERE thread_id IS NOT NULL ORDER BY key')
    .filter(({ key }) => fits(visitorOf(text(key)).id))
    .map((row) => [text(row.key), { id: kept(text(row.thread_id)), madeBy: kept(text(row.thread_made_by)) }]),
  keys: pairs(
    db
      .all('SELECT key, id, at FROM keys ORDER BY at, key')
      .map((row) => [text(row.key), { id: kept(text(row.id)), timestamp: number(row.at) }]),
  ),
  verified: [...new Set(db.all('SELECT id FROM verified ORDER BY id').map(({ id }) => kept(text(id))))],
  ended: pairs(
    db
      .all('SELECT token, until FROM ended ORDER BY token')
      .map((row) => [text(row.token), number(row.until)]),
  ),
  facts: pairs(
    db.all('SELECT name, value FROM facts ORDER BY n').map((row) => [text(row.name), kept(text(row.value))]),
  ),
  days: [...reads.days(db)],
});
