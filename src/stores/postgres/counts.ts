import { z } from 'zod';
import type { Clock } from '../../chat/ports.ts';
import type { Database } from './database.ts';

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
  /**
   * Counts a call in the window of its key, which begins with its first call; atomic.
   * @param windowMs How long a window is, in milliseconds.
   * @throws AppError `log_unavailable`
   */
  countCall(key: string, windowMs: number): Promise<CallCount>;
}

const dayRow = z.object({ count: z.number() });
const callRow = z.object({ count: z.number(), left: z.number() });

interface Asked {
  readonly by: number;
  readonly resolve: (count: number) => void;
  readonly reject: (error: unknown) => void;
}

export const createCounts = (deps: { database: Database; clock: Clock }): Counts => {
  const { database, clock } = deps;
  /** Per day, the calls that came while the statement before was under way. */
  const waiting = new Map<string, Asked[]>();

  /** @returns The count after all of them. No disk is waited for: a crash of the database may cost the last half second. */
  const add = async (day: string, by: number): Promise<number> => {
    const rows = await database.ask(
      (sql) => sql`
        with fast as (select set_config('synchronous_commit', 'off', true) as done)
        insert into tp_days as d (day, count) select ${day}, ${by}::bigint from fast where done = 'off'
        on conflict (day) do update set count = d.count + excluded.count
        returning count`,
    );
    return dayRow.parse(rows[0]).count;
  };

  const work = async (day: string): Promise<void> => {
    for (;;) {
      const asked = waiting.get(day) ?? [];
      if (asked.length === 0) break;
      waiting.set(day, []);
      const sum = asked.reduce((total, { by }) => total + by, 0);
      try {
        let count = (await add(day, sum)) - sum;
        for (const { by, resolve } of asked) {
          count += by;
          resolve(count);
        }
      } catch (thrown) {
        for (const { reject } of asked) reject(thrown);
      }
    }
    waiting.delete(day);
  };

  return {
    countMessage: (day, by = 1) =>
      new Promise((resolve, reject) => {
        const asked = { by, resolve, reject };
        const others = waiting.get(day);
        if (others) {
          others.push(asked);
          return;
        }
        waiting.set(day, [asked]);
        void work(day);
      }),
    countCall: async (key, windowMs) => {
      const rows = await database.ask(
        (sql) => sql`
          insert into tp_calls as c (key, count, resets)
          values (${key}, 1, clock_timestamp() + ${windowMs}::float8 * interval '1 millisecond')
          on conflict (key) do update set
            count = case when c.resets <= clock_timestamp() then 1 else c.count + 1 end,
            resets = case when c.resets <= clock_timestamp() then excluded.resets else c.resets end
          returning count, (extract(epoch from resets - clock_timestamp()) * 1000)::float8 as left`,
      );
      const { count, left } = callRow.parse(rows[0]);
      return { count, resetsAt: clock.now() + Math.max(0, left) };
    },
  };
};
