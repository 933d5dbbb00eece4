import { z } from 'zod';
import type { Clock } from '../../chat/ports.ts';
import { createBatches } from './batches.ts';
import type { Database } from './database.ts';
import type { Sql } from './driver.ts';

/** A call, counted in its window. */
export interface CallCount {
  /** Calls in the window, this one included. */
  readonly count: number;
  /** When the next window may begin: milliseconds since 1970, by this process's clock. */
  readonly resetsAt: number;
}

/** Counts that all processes share. */
export interface Counts {
  /** @see Store.countMessage */
  countMessage(day: string, by?: 1 | -1): Promise<number>;
  /** Makes a day ready for the messages that are counted when they are accepted. */
  startDay(day: string): Promise<void>;
  /**
   * Counts a call in the window of its key, which begins with its first call; atomic. Calls that come together share a
   * statement.
   * @param windowMs How long a window is, in milliseconds.
   * @throws AppError `log_unavailable`
   */
  countCall(key: string, windowMs: number): Promise<CallCount>;
}

const dayRow = z.object({ count: z.number() });
const callRow = z.object({ key: z.string(), count: z.number(), left: z.number() });

interface Call {
  readonly key: string;
  readonly windowMs: number;
}

/** The number of the last message. */
const lastNumber = (sql: Sql) => sql`(select last_value - (not is_called)::integer from tp_message_numbers)`;

export const createCounts = (deps: { database: Database; clock: Clock }): Counts => {
  const { database, clock } = deps;
  /** The days that are known to be ready. */
  const started = new Set<string>();

  /** @returns The count after all of them. Does not wait for the disk: a crash of the database may lose the last half second. */
  const add = async (day: string, by: number): Promise<number> => {
    const rows = await database.ask(
      (sql) => sql`
        with fast as (select set_config('synchronous_commit', 'off', true) as done)
        insert into tp_days as d (day, count, base)
        select ${day}, ${by}::bigint, ${lastNumber(sql)} from fast where done = 'off'
        on conflict (day) do update set count = d.count + excluded.count
        returning count + coalesce(${lastNumber(sql)} - base, 0) as count`,
    );
    return dayRow.parse(rows[0]).count;
  };

  const messages = createBatches<{ day: string; by: number }, number>({
    keyOf: ({ day }) => day,
    async run(asked) {
      const sum = asked.reduce((total, { by }) => total + by, 0);
      let count = (await add(asked[0]?.day ?? '', sum)) - sum;
      return asked.map(({ by }) => {
        count += by;
        return count;
      });
    },
  });

  const countAll = async (calls: readonly Call[]): Promise<CallCount[]> => {
    const perKey = new Map<string, { key: string; windowMs: number; calls: number }>();
    for (const { key, windowMs } of calls)
      perKey.set(key, { key, windowMs, calls: (perKey.get(key)?.calls ?? 0) + 1 });
    const rows = await database.ask(
      (sql) => sql`
        insert into tp_calls as c (key, count, resets)
        select key, calls, clock_timestamp() + "windowMs" * interval '1 millisecond'
        from json_to_recordset(${JSON.stringify([...perKey.values()])}::text::json)
          as called(key text, calls bigint, "windowMs" float8)
        -- In one order, so that two processes never wait for each other.
        order by key collate "C"
        on conflict (key) do update set
          count = case when c.resets <= clock_timestamp() then excluded.count else c.count + excluded.count end,
          resets = case when c.resets <= clock_timestamp() then excluded.resets else c.resets end
        returning key, count, (extract(epoch from resets - clock_timestamp()) * 1000)::float8 as left`,
    );
    const counted = new Map(rows.map((row) => [callRow.parse(row).key, callRow.parse(row)]));
    return calls.map(({ key }) => {
      const asked = perKey.get(key);
      const found = counted.get(key);
      if (!asked || !found) throw new Error('the database has not counted the call');
      asked.calls -= 1;
      return { count: found.count - asked.calls, resetsAt: clock.now() + Math.max(0, found.left) };
    });
  };
  const calls = createBatches<Call, CallCount>({ keyOf: () => '', run: countAll });

  return {
    countMessage: (day, by = 1) => messages.ask({ day, by }),
    startDay: async (day) => {
      if (started.has(day)) return;
      await database.ask(
        (sql) => sql`
          insert into tp_days as d (day, count, base) values (${day}, 0, ${lastNumber(sql)})
          on conflict (day) do update set base = excluded.base where d.base is null`,
      );
      started.clear();
      started.add(day);
    },
    countCall: (key, windowMs) => calls.ask({ key, windowMs }),
  };
};
