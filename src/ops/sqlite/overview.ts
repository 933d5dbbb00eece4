import { visitorOf } from '../../chat/model.ts';
import {
  type Connection,
  number,
  numberOrNull,
  type Row,
  text,
  textOrNull,
} from '../../stores/sqlite/connection.ts';
import { NOBODY, type Overview } from '../ops-port.ts';
import { type Counted, Sums } from './quarters.ts';
import { QUARTER_S } from './schema.ts';

/**
 * Figures are summed up once for each quarter of an hour and kept in the reader's thread; an overview adds those
 * together. What was recorded since the last one is added, and quarters in which something was changed or erased are
 * counted again.
 */
interface Known {
  readonly quarters: Map<number, Sums>;
  /** The highest exchanges.seq that was counted. */
  seq: number;
  /** The highest ops_dirty.id that was looked at. */
  dirty: number;
}

const known = new WeakMap<Connection, Known>();
const knownOf = (db: Connection): Known => {
  const found = known.get(db) ?? { quarters: new Map(), seq: 0, dirty: 0 };
  known.set(db, found);
  return found;
};

/** Rows that are counted before others who wait for the reader have their turn. */
const SLICE = 20_000;

const COUNTED = `seq, at, visitor, error, rating, flagged, unanswered, tokens_in, tokens_out, backend, model,
  first_word_ms, total_ms`;

const countedOf = (row: Row): Counted => ({
  visitor: numberOrNull(row.visitor),
  error: textOrNull(row.error),
  rating: textOrNull(row.rating),
  flagged: row.flagged === 1,
  unanswered: row.unanswered === 1,
  input: numberOrNull(row.tokens_in) ?? 0,
  output: numberOrNull(row.tokens_out) ?? 0,
  backend: textOrNull(row.backend),
  model: textOrNull(row.model),
  firstWordMs: numberOrNull(row.first_word_ms),
  totalMs: numberOrNull(row.total_ms),
});

const quarterOf = (at: number): number => Math.floor(at / QUARTER_S);

const addTo = (quarters: Map<number, Sums>, quarter: number, row: Row): void => {
  let sums = quarters.get(quarter);
  if (!sums) {
    sums = new Sums();
    quarters.set(quarter, sums);
  }
  sums.add(countedOf(row));
};

/** @returns Whether there may be more. */
const countSlice = (db: Connection, { quarters, ...state }: Known): { seq: number; more: boolean } => {
  let { seq } = state;
  let count = 0;
  for (const row of db.rows(
    `SELECT ${COUNTED} FROM exchanges WHERE seq > ? ORDER BY seq LIMIT ${SLICE}`,
    seq,
  )) {
    addTo(quarters, quarterOf(number(row.at)), row);
    seq = number(row.seq);
    count++;
  }
  return { seq, more: count === SLICE };
};

const countAgain = (db: Connection, state: Known): void => {
  const dirty = db.all('SELECT id, quarter FROM ops_dirty WHERE id > ? ORDER BY id', state.dirty);
  for (const { id, quarter } of dirty) {
    const index = number(quarter);
    state.quarters.delete(index);
    const rows = db.rows(
      `SELECT ${COUNTED} FROM exchanges WHERE at >= ? AND at < ? AND seq <= ?`,
      ...[index * QUARTER_S, (index + 1) * QUARTER_S, state.seq],
    );
    for (const row of rows) addTo(state.quarters, index, row);
    state.dirty = number(id);
  }
};

/**
 * An overview, after pages that say how many rows were counted so far: the first one of a large log takes a while.
 * @param edges See OpsReads.overview.
 */
export function* overview(db: Connection, edges: readonly number[]): Generator<Overview | number> {
  const state = knownOf(db);
  for (;;) {
    const { seq, more } = countSlice(db, state);
    state.seq = seq;
    if (!more) break;
    yield seq;
  }
  // What is rated or erased between two reads is dirty at the next overview.
  countAgain(db, state);
  yield summary(db, state, edges);
}

/** The buckets' numbers for each quarter between the edges. */
const bucketsOf = (edges: readonly number[]): { from: number; to: number }[] =>
  edges.slice(1).map((edge, index) => ({ from: quarterOf(edges[index] ?? 0), to: quarterOf(edge) }));

const summary = (db: Connection, { quarters }: Known, edges: readonly number[]): Overview => {
  const total = new Sums();
  const allRefused: Record<string, number> = {};
  const buckets = bucketsOf(edges).map(({ from, to }) => {
    const sums = new Sums();
    for (const [quarter, one] of between(quarters, from, to)) if (quarter < to) sums.join(one);
    total.join(sums);
    const refused = refusedIn(db, from, to);
    for (const [code, count] of Object.entries(refused)) allRefused[code] = (allRefused[code] ?? 0) + count;
    return sums.figures(refused);
  });
  return {
    total: total.figures(allRefused),
    buckets,
    failures: [...total.codes]
      .map(([code, count]) => ({ code, count }))
      .toSorted((one, other) => other.count - one.count || (one.code < other.code ? -1 : 1))
      .slice(0, 20),
    busiest: total.busiest(10).map(({ ref, ...use }) => {
      const row = db.get('SELECT key, name FROM visitors WHERE ref = ?', ref);
      const name = row && textOrNull(row.name);
      return { visitor: row ? visitorOf(text(row.key)) : NOBODY, ...(name && { name }), ...use };
    }),
  };
};

/** Those that are there: a short range is walked, a long one looked for in what is known. */
const between = function* (quarters: Map<number, Sums>, from: number, to: number): Generator<[number, Sums]> {
  if (to - from > quarters.size) {
    for (const entry of quarters) if (entry[0] >= from && entry[0] < to) yield entry;
    return;
  }
  for (let quarter = from; quarter < to; quarter++) {
    const sums = quarters.get(quarter);
    if (sums) yield [quarter, sums];
  }
};

const refusedIn = (db: Connection, from: number, to: number): Record<string, number> =>
  Object.fromEntries(
    db
      .all(
        'SELECT code, sum(count) AS count FROM ops_refused WHERE quarter >= ? AND quarter < ? GROUP BY code',
        from,
        to,
      )
      .map(({ code, count }) => [text(code), number(count)]),
  );
