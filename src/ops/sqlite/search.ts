import { type Visitor, visitorKey, visitorOf } from '../../chat/model.ts';
import {
  type Connection,
  number,
  numberOrNull,
  type Row,
  text,
  textOrNull,
} from '../../stores/sqlite/connection.ts';
import { COLUMNS, FROM, logRowOf } from '../../stores/sqlite/rows.ts';
import {
  type ConversationRow,
  type Cursor,
  type ExchangeFilter,
  NOBODY,
  type OpsExchange,
  type Page,
  type PageRequest,
} from '../ops-port.ts';

type Value = string | number | null;

/** SQL with the values that it binds. */
interface Sql {
  readonly sql: string;
  readonly values: readonly Value[];
}

const isNobody = ({ kind, id }: Visitor): boolean => kind === NOBODY.kind && id === NOBODY.id;

/** No visitor has this number. */
const NO_REF = -1;

/** visitors.ref of a visitor; null for nobody. */
export const refOf = (db: Connection, visitor: Visitor): number | null =>
  isNobody(visitor)
    ? null
    : number(db.get('SELECT ref FROM visitors WHERE key = ?', visitorKey(visitor))?.ref ?? NO_REF);

const KIND_STARTS = { user: 'u', verified: 'v', anonymous: 'a' } as const;

/** ASCII alone, as SQLite's lower() does it. */
const lower = (given: string): string => given.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/**
 * What must hold of an exchange.
 * @param e The alias of its row in exchanges. @param x That of its row in ops_texts, joined where words are searched.
 */
const conditions = (db: Connection, filter: ExchangeFilter, e: string, x: string): Sql => {
  const parts: Sql[] = [];
  const add = (sql: string, ...values: Value[]): void => void parts.push({ sql, values });
  const { from, to, words = [], visitor, who, kind, failed, rating, unanswered, flagged, backend } = filter;
  if (from !== undefined) add(`${e}.at >= ?`, from);
  if (to !== undefined) add(`${e}.at < ?`, to);
  if (visitor !== undefined) add(`${e}.visitor IS ?`, refOf(db, visitor));
  if (failed !== undefined) add(`${e}.error IS NOT NULL`);
  if (failed !== undefined && failed !== true)
    add(`${e}.error IN (${failed.map(() => '?').join(', ')})`, ...failed);
  if (rating !== undefined) add(`${e}.rating = ?`, rating);
  if (unanswered) add(`${e}.unanswered = 1`);
  if (flagged) add(`${e}.flagged = 1`);
  if (backend !== undefined) add(`${e}.backend = ?`, backend);
  if (kind !== undefined) {
    const isKind = `${e}.visitor IN (SELECT ref FROM visitors WHERE substr(key, 1, 1) = ?)`;
    add(kind === NOBODY.kind ? `(${isKind} OR ${e}.visitor IS NULL)` : isKind, KIND_STARTS[kind]);
  }
  if (who !== undefined) {
    add(
      `${e}.visitor IN (SELECT ref FROM visitors WHERE instr(lower(substr(key, 3)), ?) > 0 OR instr(lower(name), ?) > 0)`,
      ...[lower(who), lower(who)],
    );
  }
  for (const word of words) add(`instr(${x}.folded, ?) > 0`, word);
  return {
    sql: parts.map(({ sql }) => ` AND ${sql}`).join(''),
    values: parts.flatMap(({ values }) => values),
  };
};

/** `at:seq` of a row. */
const cursorOf = (at: number, seq: number): Cursor => `${at}:${seq}`;
const placeOf = (cursor: Cursor): readonly [at: number, seq: number] | undefined => {
  const [, at, seq] = /^(-?[\d.e+-]{1,30}):(\d{1,16})$/.exec(cursor) ?? [];
  return at === undefined || Number.isNaN(Number(at)) ? undefined : [Number(at), Number(seq)];
};

/** Which way a page is read from its cursor, and how its rows are put in the order that was asked for. */
const wayOf = ({ order = 'newest', before, after }: PageRequest) => {
  const place = placeOf(before ?? after ?? '');
  const isDown = place ? before !== undefined : order === 'newest';
  return {
    from: {
      sql: place ? ` AND (e.at, e.seq) ${isDown ? '<' : '>'} (?, ?)` : '',
      values: place ?? [],
    } satisfies Sql,
    order: isDown ? 'e.at DESC, e.seq DESC' : 'e.at, e.seq',
    /** @param found One more than the page holds, where there are more. */
    page: <T>(found: readonly T[], limit: number): Page<T> => {
      const rows = found.slice(0, limit);
      const hasMore = found.length > limit;
      return {
        rows: isDown === (order === 'newest') ? rows : rows.toReversed(),
        hasOlder: isDown ? hasMore : place !== undefined,
        hasNewer: isDown ? place !== undefined : hasMore,
      };
    },
  };
};

const joined = ({ words = [] }: ExchangeFilter, e: string, x: string): string =>
  words.length > 0 ? ` JOIN ops_texts ${x} ON ${x}.seq = ${e}.seq` : '';

const exchangeIn = (row: Row): OpsExchange => {
  const { visitor, cleared, more: _, ...exchange } = logRowOf(row);
  return {
    ...exchange,
    visitor: visitor === null ? NOBODY : visitorOf(visitor),
    ...(cleared && { cleared }),
    cursor: cursorOf(number(row.at), number(row.seq)),
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
  const found = db.all(
    `SELECT seq FROM ops_texts WHERE ${words.map(() => 'instr(folded, ?) > 0').join(' AND ')} LIMIT ?`,
    ...[...words, RARE + 1],
  );
  return found.length > RARE ? undefined : JSON.stringify(found.map(({ seq }) => number(seq)));
};

export const exchanges = (db: Connection, { filter: asked, page }: Asked): Page<OpsExchange> => {
  const way = wayOf(page);
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
    `SELECT e.seq FROM exchanges e${joined(filter, 'e', 'x')} WHERE true${wanted.sql}${way.from.sql}
     ORDER BY ${way.order} LIMIT ?`,
    ...[...wanted.values, ...way.from.values, page.limit + 1],
  );
  const { rows, ...more } = way.page(found, page.limit);
  return { ...more, rows: rows.map(({ seq }) => exchangeAt(db, number(seq))) };
};

const exchangeAt = (db: Connection, seq: number): OpsExchange => {
  const row = db.get(`SELECT ${COLUMNS} FROM ${FROM} WHERE e.seq = ?`, seq);
  if (!row) throw new Error('an exchange is gone within one read');
  return exchangeIn(row);
};

/** Threads stand where their newest fitting exchange does: those are the fitting ones that no newer one follows. */
export const conversations = (db: Connection, { filter, page }: Asked): Page<ConversationRow> => {
  const way = wayOf(page);
  const rare = rareSeqs(db, filter);
  const found =
    rare === undefined ? headsInOrder(db, filter, page, way) : headsAmong(db, rare, filter, page, way);
  const { rows, ...more } = way.page(found, page.limit);
  return {
    ...more,
    rows: rows.map(({ seq, visitor }) => conversationOf(db, number(seq), numberOrNull(visitor))),
  };
};

type Way = ReturnType<typeof wayOf>;

/** Walks the exchanges in the order of the list until the page is full. */
const headsInOrder = (db: Connection, filter: ExchangeFilter, page: PageRequest, way: Way): Row[] => {
  const wanted = conditions(db, filter, 'e', 'x');
  const newer = conditions(db, filter, 'n', 'xn');
  return db.all(
    `SELECT e.seq, e.visitor FROM exchanges e${joined(filter, 'e', 'x')}
     WHERE true${wanted.sql}${way.from.sql} AND NOT EXISTS (
       SELECT 1 FROM exchanges n${joined(filter, 'n', 'xn')}
       WHERE n.visitor IS e.visitor AND (n.at, n.seq) > (e.at, e.seq)${newer.sql})
     ORDER BY ${way.order} LIMIT ?`,
    ...[...wanted.values, ...way.from.values, ...newer.values, page.limit + 1],
  );
};

/** Sorts the few exchanges that can fit. */
const headsAmong = (
  db: Connection,
  seqs: string,
  filter: ExchangeFilter,
  page: PageRequest,
  way: Way,
): Row[] => {
  const others = conditions(db, { ...filter, words: [] }, 'f', 'x');
  return db.all(
    `WITH fitting AS (
       SELECT f.seq, f.at, f.visitor,
         row_number() OVER (PARTITION BY f.visitor ORDER BY f.at DESC, f.seq DESC) AS place
       FROM exchanges f WHERE f.seq IN (SELECT value FROM json_each(?))${others.sql})
     SELECT e.seq, e.visitor FROM fitting e WHERE e.place = 1${way.from.sql} ORDER BY ${way.order} LIMIT ?`,
    ...[seqs, ...others.values, ...way.from.values, page.limit + 1],
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
