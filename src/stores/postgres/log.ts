import { z } from 'zod';
import type { Exchange } from '../../chat/model.ts';
import type { Database } from './database.ts';
import { exchangeOf, exchangeRow } from './rows.ts';

/** An exchange as the log has it, for ops. */
export interface LoggedExchange extends Exchange {
  /** Its visitor has cleared it: only ops see it. */
  readonly cleared?: true;
}

/** What only ops do with the log. */
export interface OpsLog {
  /**
   * Exchanges of all visitors, newest first, those that were cleared included; nobody's are left out.
   * @param page.before Those logged before the exchange of this id; none where it is not there.
   * @throws AppError `log_unavailable`
   */
  newest(page: { limit: number; before?: string }): Promise<LoggedExchange[]>;
  /**
   * Removes from the log what came before a time, and what is left of visitors of whom nothing is.
   * @param time Seconds since 1970.
   * @returns How many exchanges were removed.
   * @throws AppError `log_unavailable`; what was removed by then stays so, and the rest can be removed again.
   */
  removeBefore(time: number): Promise<number>;
}

/** Exchanges that one statement removes: it holds up their visitors for as long as it takes. */
const AT_ONCE = 1000;

const loggedRow = exchangeRow.extend({ cleared: z.boolean() });
const removedRow = z.object({ count: z.number(), visitors: z.array(z.string()) });

export const createOpsLog = ({ database }: { database: Database }): OpsLog => ({
  async newest({ limit, before }) {
    const rows = await database.ask(
      (sql) => sql`
        select id, visitor, said, answer, error, truncated, tokens_in, tokens_out, at, name, cleared
        from tp_exchanges
        where visitor is not null
          and seq < ${
            before === undefined
              ? sql`9223372036854775807`
              : sql`(select seq from tp_exchanges where id = ${before})`
          }
        order by seq desc limit ${limit}`,
    );
    return rows.map((row) => {
      const logged = loggedRow.parse(row);
      return { ...exchangeOf(logged), ...(logged.cleared && { cleared: true }) };
    });
  },
  async removeBefore(time) {
    let removed = 0;
    for (;;) {
      const rows = await database.persist(
        (sql) => sql`
          with old as (
            select seq from tp_exchanges where at < ${time}::float8 order by at limit ${AT_ONCE}
          ), gone as (
            delete from tp_exchanges e using old where e.seq = old.seq returning e.visitor, e.cleared
          ), sums as (
            select visitor, count(*) filter (where not cleared) as messages
            from gone where visitor is not null group by visitor
          ), less as (
            update tp_visitors v set messages = greatest(0, v.messages - sums.messages) from sums
            where v.key = sums.visitor returning v.key, v.messages
          )
          select (select count(*) from gone) as count,
            (select coalesce(json_agg(key), '[]') from less where messages = 0) as visitors`,
      );
      const { count, visitors } = removedRow.parse(rows[0]);
      removed += count;
      if (visitors.length > 0) {
        await database.persist(
          (sql) => sql`
            delete from tp_visitors v using json_array_elements_text(${JSON.stringify(visitors)}::text::json) as gone(key)
            where v.key = gone.key and messages = 0 and waiting = 0
              -- Not what its visitor has cleared, but is kept in the log.
              and not exists (select from tp_exchanges e where e.visitor = v.key)`,
        );
      }
      if (count < AT_ONCE) return removed;
    }
  },
});
