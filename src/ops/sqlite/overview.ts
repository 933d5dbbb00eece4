import { visitorOf } from '../../chat/model.ts';
import { type Connection, number, text, textOrNull } from '../../sqlite/connection.ts';
import { NOBODY, type Overview } from '../ops-port.ts';
import { keptBetween, quarterOf } from './kept-counts.ts';
import { Sums } from './quarters.ts';

/**
 * What is counted until now, added up.
 * @param edges See OpsReads.overview.
 */
export const overview = (db: Connection, edges: readonly number[]): Overview => {
  const quarters = edges.map(quarterOf);
  const [from, to] = [quarters[0] ?? 0, quarters.at(-1) ?? 0];
  const total = new Sums();
  const buckets = quarters.slice(1).map(() => new Sums());
  for (const { quarter, sums } of keptBetween(db, from, to)) {
    buckets[quarters.findLastIndex((start) => start <= quarter)]?.join(sums);
  }
  const allRefused: Record<string, number> = {};
  const figures = buckets.map((sums, index) => {
    total.join(sums.packed());
    const refused = refusedIn(db, quarters[index] ?? 0, quarters[index + 1] ?? 0);
    for (const [code, count] of Object.entries(refused)) allRefused[code] = (allRefused[code] ?? 0) + count;
    return sums.figures(refused);
  });
  return {
    total: total.figures(allRefused),
    buckets: figures,
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
