/**
 * The figures of each quarter of an hour are kept beside the exchanges, so that an overview adds up quarters, however
 * many exchanges there are. What was recorded since is counted in steps: one reads (`uncounted`), the writer keeps what
 * it found (`keepCounts`). Quarters in which something was changed or erased are counted again.
 */

import {
  type Connection,
  number,
  numberOrNull,
  type Row,
  text,
  textOrNull,
} from '../../sqlite/connection.ts';
import { type Counted, type PackedSums, Sums } from './quarters.ts';
import { QUARTER_S } from './schema.ts';

/** Exchanges that a step counts: a few dozen milliseconds of the reader's time, and a few of the writer's. */
const STEP = 10_000;
/** Changed quarters that a step counts again. */
const MOST_AGAIN = 100;

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

/** The quarter of an hour of a time. */
export const quarterOf = (at: number): number => Math.floor(at / QUARTER_S);

/** What a step has found. */
export interface FoundCounts {
  /** The highest exchanges.seq, and ops_dirty.id, that are counted with it. */
  readonly seq: number;
  readonly dirty: number;
  /** The figures of quarters that have changed, as JSON; null: nothing is left in it. */
  readonly quarters: readonly (readonly [quarter: number, sums: string | null])[];
  /** Whether there may be more to count. */
  readonly isMore: boolean;
}

// Only keepCounts() writes them.
const packedIn = (row: Row): PackedSums => JSON.parse(text(row.sums)) as PackedSums;

const keptSums = (db: Connection, quarter: number): Sums => {
  const sums = new Sums();
  const kept = db.get('SELECT sums FROM ops_quarters WHERE quarter = ?', quarter);
  if (kept) sums.join(packedIn(kept));
  return sums;
};

/** Counts what is not counted yet. */
export const uncounted = (db: Connection): FoundCounts => {
  const state = db.get('SELECT seq, dirty FROM ops_counted');
  const changed = new Map<number, Sums>();
  let [seq, count] = [number(state?.seq), 0];
  for (const row of db.rows(
    `SELECT ${COUNTED} FROM exchanges WHERE seq > ? ORDER BY seq LIMIT ${STEP}`,
    seq,
  )) {
    const quarter = quarterOf(number(row.at));
    const sums = changed.get(quarter) ?? keptSums(db, quarter);
    sums.add(countedOf(row));
    changed.set(quarter, sums);
    seq = number(row.seq);
    count++;
  }
  // Read after the exchanges: what was erased among them meanwhile is counted again now, or in the next step.
  let dirty = number(state?.dirty);
  const again = db.all(
    `SELECT id, quarter FROM ops_dirty WHERE id > ? ORDER BY id LIMIT ${MOST_AGAIN}`,
    dirty,
  );
  for (const { id, quarter } of again) {
    const sums = new Sums();
    const index = number(quarter);
    const rows = db.rows(
      `SELECT ${COUNTED} FROM exchanges WHERE at >= ? AND at < ? AND seq <= ?`,
      ...[index * QUARTER_S, (index + 1) * QUARTER_S, seq],
    );
    for (const row of rows) sums.add(countedOf(row));
    changed.set(index, sums);
    dirty = number(id);
  }
  return {
    ...{ seq, dirty },
    quarters: [...changed].map(([quarter, sums]) => [
      quarter,
      sums.messages === 0 ? null : JSON.stringify(sums.packed()),
    ]),
    isMore: count === STEP || again.length === MOST_AGAIN,
  };
};

export const keepCounts = (db: Connection, { seq, dirty, quarters }: FoundCounts): void => {
  for (const [quarter, sums] of quarters) {
    if (sums === null) db.run('DELETE FROM ops_quarters WHERE quarter = ?', quarter);
    else db.run('INSERT OR REPLACE INTO ops_quarters (quarter, sums) VALUES (?, ?)', quarter, sums);
  }
  db.run('UPDATE ops_counted SET seq = ?, dirty = ?', seq, dirty);
};

/** Quarters that are read once, until they change. */
interface Read {
  readonly id: number;
  readonly sums: PackedSums;
}
const readBefore = new WeakMap<Connection, Map<number, Read>>();
/** So many quarters stay in memory: a hundred days of them. */
const MOST_READ = 9_600;

/** The figures of quarters from `from`, inclusive, to `to`, exclusive, where there are any. */
export function* keptBetween(
  db: Connection,
  from: number,
  to: number,
): Generator<{ quarter: number; sums: PackedSums }> {
  const known = readBefore.get(db) ?? new Map<number, Read>();
  readBefore.set(db, known);
  const rows = db.all('SELECT id, quarter FROM ops_quarters WHERE quarter >= ? AND quarter < ?', from, to);
  for (const row of rows) {
    const [id, quarter] = [number(row.id), number(row.quarter)];
    let read = known.get(quarter);
    if (read?.id !== id) {
      const kept = db.get('SELECT id, sums FROM ops_quarters WHERE quarter = ?', quarter);
      // It was emptied a moment ago.
      if (!kept) continue;
      read = { id: number(kept.id), sums: packedIn(kept) };
      if (known.size >= MOST_READ) known.clear();
      known.set(quarter, read);
    }
    yield { quarter, sums: read.sums };
  }
}
