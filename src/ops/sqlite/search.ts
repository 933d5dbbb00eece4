import { visitorOf } from '../../chat/model.ts';
import {
  type Connection,
  number,
  numberOrNull,
  type Row,
  text,
  textOrNull,
} from '../../sqlite/connection.ts';
import { COLUMNS, FROM, logRowOf } from '../../stores/sqlite/rows.ts';
import {
  type ConversationRow,
  type ExchangeFilter,
  NOBODY,
  type OpsExchange,
  type Page,
  type PageRequest,
} from '../ops-port.ts';
import { cursorOf, type PageReading, pageReading } from '../paging.ts';
import { conditions, joined, type Sql } from './filter.ts';
import { hasWord } from './words.ts';

/** Rows after the page's start, and the order in which they are read. */
const rangeOf = ({ from, isDescending }: PageReading): Sql & { readonly order: string } => ({
  sql: from ? ` AND (e.at, e.seq) ${isDescending ? '<' : '>'} (?, ?)` : '',
  values: from ? [from.at, from.seq] : [],
  order: isDescending ? 'e.at DESC, e.seq DESC' : 'e.at, e.seq',
});

const exchangeIn = (row: Row): OpsExchange => {
  const { visitor, cleared, more: _, ...exchange } = logRowOf(row);
  return {
    ...exchange,
    visitor: visitor === null ? NOBODY : visitorOf(visitor),
    ...(cleared && { cleared }),
    cursor: cursorOf({ at: number(row.at), seq: number(row.seq) }),
  };
};

export const opsExchange = (db: Connection, id: string): OpsExchange | undefined => {
  const row = db.get(`SELECT ${COLUMNS} FROM ${FROM} WHERE e.id = ?`, id);
  return row && exchangeIn(row);
};

/** Whose pages come in a request. */
export interface Asked {
  readonly filter: ExchangeFilter;
  readonly page: PageRequest;
}

/** Texts that fit are listed where there are no more of them than this. */
const RARE = 2_000;

/**
 * The seqs of all texts with these words, as JSON, where they are rare: the texts are then read in one go, which is
 * several times faster than in the order of the list. Undefined where they are common: a page of those is soon full.
 */
const rareSeqs = (db: Connection, { words = [] }: ExchangeFilter): string | undefined => {
  if (words.length === 0) return undefined;
  const wanted = words.map((word) => hasWord('folded', word));
  const found = db.all(
    `SELECT seq FROM ops_texts WHERE ${wanted.map(({ sql }) => sql).join(' AND ')} LIMIT ?`,
    ...[...wanted.flatMap(({ values }) => values), RARE + 1],
  );
  return found.length > RARE ? undefined : JSON.stringify(found.map(({ seq }) => number(seq)));
};

export const exchanges = (db: Connection, { filter: asked, page }: Asked): Page<OpsExchange> => {
  const reading = pageReading(page);
  const range = rangeOf(reading);
  const rare = rareSeqs(db, asked);
  const filter = rare === undefined ? asked : { ...asked, words: [] };
  const others = conditions(db, filter, 'e', 'x');
  const wanted =
    rare === undefined
      ? others
      : {
          sql: `${others.sql} AND e.seq IN (SELECT value FROM json_each(?))`,
          values: [...others.values, rare],
        };
  // First which, then all of each: a page's rows alone are read whole.
  const found = db.all(
    `SELECT e.seq FROM exchanges e${joined(filter, 'e', 'x')} WHERE true${wanted.sql}${range.sql}
     ORDER BY ${range.order} LIMIT ?`,
    ...[...wanted.values, ...range.values, reading.limit],
  );
  const { rows, ...more } = reading.page(found);
  return { ...more, rows: rows.map(({ seq }) => exchangeAt(db, number(seq))) };
};

const exchangeAt = (db: Connection, seq: number): OpsExchange => {
  const row = db.get(`SELECT ${COLUMNS} FROM ${FROM} WHERE e.seq = ?`, seq);
  if (!row) throw new Error('an exchange is gone within one read');
  return exchangeIn(row);
};

/** Threads stand where their newest fitting exchange does: those are the fitting ones that no newer one follows. */
export const conversations = (db: Connection, { filter, page }: Asked): Page<ConversationRow> => {
  const reading = pageReading(page);
  const rare = rareSeqs(db, filter);
  const found =
    rare === undefined ? headsInOrder(db, filter, reading) : headsAmong(db, rare, filter, reading);
  const { rows, ...more } = reading.page(found);
  return {
    ...more,
    rows: rows.map(({ seq, visitor }) => conversationOf(db, number(seq), numberOrNull(visitor))),
  };
};

/** Walks the exchanges in the order of the list until the page is full. */
const headsInOrder = (db: Connection, filter: ExchangeFilter, reading: PageReading): Row[] => {
  const range = rangeOf(reading);
  const wanted = conditions(db, filter, 'e', 'x');
  const newer = conditions(db, filter, 'n', 'xn');
  return db.all(
    `SELECT e.seq, e.visitor FROM exchanges e${joined(filter, 'e', 'x')}
     WHERE true${wanted.sql}${range.sql} AND NOT EXISTS (
       SELECT 1 FROM exchanges n${joined(filter, 'n', 'xn')}
       WHERE n.visitor IS e.visitor AND (n.at, n.seq) > (e.at, e.seq)${newer.sql})
     ORDER BY ${range.order} LIMIT ?`,
    ...[...wanted.values, ...range.values, ...newer.values, reading.limit],
  );
};

/** Sorts the few exchanges that can fit. */
const headsAmong = (db: Connection, seqs: string, filter: ExchangeFilter, reading: PageReading): Row[] => {
  const range = rangeOf(reading);
  const others = conditions(db, { ...filter, words: [] }, 'f', 'x');
  return db.all(
    `WITH fitting AS (
       SELECT f.seq, f.at, f.visitor,
         row_number() OVER (PARTITION BY f.visitor ORDER BY f.at DESC, f.seq DESC) AS position
       FROM exchanges f WHERE f.seq IN (SELECT value FROM json_each(?))${others.sql})
     SELECT e.seq, e.visitor FROM fitting e WHERE e.position = 1${range.sql} ORDER BY ${range.order} LIMIT ?`,
    ...[seqs, ...others.values, ...range.values, reading.limit],
  );
};

const FIRST_WORDS = 200;

const conversationOf = (db: Connection, seq: number, ref: number | null): ConversationRow => {
  const match = exchangeAt(db, seq);
  const counts = db.get(
    `SELECT count(*) AS exchanges, count(error) AS failed, count(*) FILTER (WHERE rating = 'up') AS up,
       count(*) FILTER (WHERE rating = 'down') AS down, sum(flagged) AS flagged, sum(unanswered) AS unanswered,
       max(at) AS last_seen
     FROM exchanges WHERE visitor IS ?`,
    ref,
  );
  const first = db.get(
    `SELECT substr(t.said, 1, ${FIRST_WORDS}) AS words FROM exchanges e JOIN texts t ON t.seq = e.seq
     WHERE e.seq = (SELECT seq FROM exchanges WHERE visitor IS ? ORDER BY at, seq LIMIT 1)`,
    ref,
  );
  const known = db.get('SELECT name FROM visitors WHERE ref = ?', ref)?.name;
  const name = (known === undefined ? null : textOrNull(known)) ?? match.name;
  return {
    visitor: match.visitor,
    ...(name !== undefined && { name }),
    firstWords: text(first?.words),
    exchanges: number(counts?.exchanges),
    failed: number(counts?.failed),
    up: number(counts?.up),
    down: number(counts?.down),
    flagged: number(counts?.flagged),
    unanswered: number(counts?.unanswered),
    lastSeen: number(counts?.last_seen),
    match,
    cursor: match.cursor,
  };
};

/** Those that have answered, by name. */
export const backends = (db: Connection): string[] =>
  db.all('SELECT name FROM ops_backends ORDER BY name').map(({ name }) => text(name));
