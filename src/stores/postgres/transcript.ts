import { z } from 'zod';
import { type VisitorSummary, visitorKey, visitorOf } from '../../chat/model.ts';
import type { FeedbackLog, Transcript } from '../../chat/store-port.ts';
import type { Database } from './database.ts';
import type { Sql } from './driver.ts';
import { exchangeColumns } from './exchange-columns.ts';
import { asUnavailable } from './failures.ts';
import { exchangeOf, exchangeRow, storable } from './rows.ts';
import type { ThreadsAndFacts } from './threads-and-facts.ts';

const summaryRow = z.object({
  key: z.string(),
  messages: z.number(),
  last_seen: z.number().nullable(),
  name: z.string().nullable(),
});

const summaryOf = ({ key, messages, last_seen, name }: z.infer<typeof summaryRow>): VisitorSummary => ({
  key,
  visitor: visitorOf(key),
  messages,
  lastSeen: last_seen ?? 0,
  ...(name !== null && { name }),
});

/** Exchanges that one statement hides: each statement has its own timeout, so that any history can be cleared. */
const HIDDEN_AT_ONCE = 2000;

const hiddenRow = z.object({ count: z.number(), last: z.number().nullable() });

/** Hides all exchanges of a visitor from it. */
const hide = async (own: Sql, key: string): Promise<void> => {
  let after = 0;
  for (;;) {
    const [row] = await own`
      with these as (
        select seq from tp_exchanges where visitor = ${key} and not cleared and seq > ${after}::bigint
        order by seq limit ${HIDDEN_AT_ONCE}
      ), hidden as (
        update tp_exchanges e set cleared = true from these where e.seq = these.seq
      )
      select count(*) as count, max(seq) as last from these`;
    const { count, last } = hiddenRow.parse(row);
    if (count < HIDDEN_AT_ONCE || last === null) return;
    after = last;
  }
};

/** What visitors and operators read of the log, and what visitors clear and say of it. */
export const createTranscript = (deps: {
  database: Database;
  threads: Pick<ThreadsAndFacts, 'drop'>;
}): Transcript & FeedbackLog => {
  const { database, threads } = deps;
  return {
    async recent(visitor, { limit, before }) {
      const key = visitorKey(visitor);
      const rows = await database.ask((sql) =>
        before === undefined
          ? sql`
            select ${exchangeColumns(sql)} from tp_exchanges where visitor = ${key} and not cleared
            order by seq desc limit ${limit}`
          : sql`
            select ${exchangeColumns(sql)} from tp_exchanges where visitor = ${key} and not cleared
              and seq < (select seq from tp_exchanges where id = ${before} and visitor = ${key} and not cleared)
            order by seq desc limit ${limit}`,
      );
      return rows.map((row) => exchangeOf(exchangeRow.parse(row)));
    },
    async exchange(id) {
      const rows = await database.ask(
        (sql) => sql`
          select ${exchangeColumns(sql)} from tp_exchanges where id = ${id} and visitor is not null and not cleared`,
      );
      return rows[0] && exchangeOf(exchangeRow.parse(rows[0]));
    },
    async clear(visitor, keepLog) {
      const key = visitorKey(visitor);
      await threads.drop(key);
      // Statements of their own: the later ones see what was finished while the first waited for the visitor's row.
      const clear = database.transaction(async (own) => {
        await own`
            update tp_visitors set cleared = next, dropped = case when ${keepLog} then dropped else next end,
              thread_id = null, thread_made_by = null, messages = 0, last_seen = null, name = null
            where key = ${key}`;
        if (keepLog) await hide(own, key);
        else await own`delete from tp_exchanges where visitor = ${key}`;
      });
      await clear.catch((thrown: unknown) => {
        throw asUnavailable(thrown);
      });
    },
    async setFeedback(exchangeId, visitor, feedback) {
      const comment = feedback?.comment === undefined ? null : storable(feedback.comment);
      const rows = await database.ask(
        (sql) => sql`
          update tp_exchanges set rating = ${feedback?.rating ?? null}::text, comment = ${comment}::text
          where id = ${exchangeId} and visitor = ${visitorKey(visitor)} and not cleared
          returning id`,
      );
      return rows.length > 0;
    },
    async visitors({ limit, after = '', name }) {
      const rows = await database.ask((sql) =>
        name === undefined
          ? sql`
            select key, messages, last_seen, name from tp_visitors
            where key > ${after} and messages > 0 order by key limit ${limit}`
          : sql`
            select key, messages, last_seen, name from tp_visitors
            where name collate "C" = ${name} and key > ${after} and messages > 0 order by key limit ${limit}`,
      );
      return rows.map((row) => summaryOf(summaryRow.parse(row)));
    },
  };
};
