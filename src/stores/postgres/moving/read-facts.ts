import { z } from 'zod';
import type { MovedFacts } from '../../../log-file/moving-store.ts';
import type { Sql } from '../driver.ts';

/** Rows that are read at once: all in one answer might be too large. */
const PAGE = 1000;

const threadRow = z.object({ key: z.string(), id: z.string(), made_by: z.string() });
const keyRow = z.object({ key: z.string(), id: z.string(), at: z.number() });
const verifiedRow = z.object({ id: z.string() });
const endedRow = z.object({ token: z.string(), until: z.number() });
const factRow = z.object({ name: z.string(), value: z.string() });
const dayRow = z.object({ day: z.string(), count: z.number() });

const gathered = async <T>(
  statement: { cursor(rows: number): AsyncIterable<readonly unknown[]> },
  of: (row: unknown) => T,
): Promise<T[]> => {
  const all: T[] = [];
  for await (const page of statement.cursor(PAGE)) for (const row of page) all.push(of(row));
  return all;
};

/** Reads what is kept beside exchanges, in a transaction that sees it as of one moment. */
export const readFacts = async (sql: Sql): Promise<MovedFacts> => ({
  threads: await gathered(
    sql`
      select key, thread_id as id, thread_made_by as made_by from tp_visitors
      where thread_id is not null order by key`,
    (row) => {
      const { key, id, made_by: madeBy } = threadRow.parse(row);
      return [key, { id, madeBy }] as const;
    },
  ),
  keys: await gathered(sql`select key, id, at from tp_keys order by at, key`, (row) => {
    const { key, id, at: timestamp } = keyRow.parse(row);
    return [key, { id, timestamp }] as const;
  }),
  verified: await gathered(sql`select id from tp_vouched order by id`, (row) => verifiedRow.parse(row).id),
  ended: await gathered(sql`select token, until from tp_ended order by token`, (row) => {
    const { token, until } = endedRow.parse(row);
    return [token, until] as const;
  }),
  facts: await gathered(sql`select name, value from tp_facts order by set_at, name`, (row) => {
    const { name, value } = factRow.parse(row);
    return [name, value] as const;
  }),
  days: await gathered(
    // Each counted from its own first message on: what came after the day does not count into it.
    sql`
      select day, count + coalesce(greatest(0, coalesce(min(base) over (order by day rows between 1 following and unbounded following), last_value - (not is_called)::integer) - base), 0) as count
      from tp_days, tp_message_numbers order by day`,
    (row) => {
      const { day, count } = dayRow.parse(row);
      return [day, count] as const;
    },
  ),
});
