import type { TransactionSql } from 'postgres';
import { z } from 'zod';
import { type VisitorSummary, visitorKey, visitorOf } from '../../chat/model.ts';
import type { Store } from '../../chat/store-port.ts';
import type { Database } from './database.ts';
import { asUnavailable } from './failures.ts';
import { exchangeOf, exchangeRow } from './rows.ts';
import type { Notes } from './threads-and-facts.ts';

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

/** Exchanges that one statement hides: each has its own time, so that a history of any length can be cleared. */
const HIDDEN_AT_ONCE = 2000;

const hiddenRow = z.object({ count: z.number(), last: z.number().nullable() });

/** Takes all that is there out of what the visitor sees. */
const hide = async (own: TransactionSql, key: string): Promise<void> => {
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

/** What visitors and ops read of the log, and what visitors take out of it. */
export const createTranscript = (deps: {
  database: Database;
  notes: Notes;
}): Pick<Store, 'recent' | 'exchange' | 'clear' | 'visitors'> => {
  const { database, notes } = deps;
  return {
    async recent(visitor, { limit, before }) {
      const key = visitorKey(visitor);
      const rows = await database.ask((sql) =>
        before === undefined
          ? sql`
            select id, visitor, said, answer, error, truncated, tokens_in, tokens_out, at, name
            from tp_exchanges where visitor = ${key} and not cleared
            order by seq desc limit ${limit}`
          : sql`
            select id, visitor, said, answer, error, truncated, tokens_in, tokens_out, at, name
            from tp_exchanges where visitor = ${key} and not cleared
              and seq < (select seq from tp_exchanges where id = ${before} and visitor = ${key} and not cleared)
            order by seq desc limit ${limit}`,
      );
      return rows.map((row) => exchangeOf(exchangeRow.parse(row)));
    },
    async exchange(id) {
      const rows = await database.ask(
        (sql) => sql`
          select id, visitor, said, answer, error, truncated, tokens_in, tokens_out, at, name
          from tp_exchanges where id = ${id} and visitor is not null and not cleared`,
      );
      return rows[0] && exchangeOf(exchangeRow.parse(rows[0]));
    },
    async clear(visitor, keepLog) {
      const key = visitorKey(visitor);
      notes.drop(key);
      const clear = database.try((sql) =>
        // Statements of their own: the later ones see what was finished while the first waited for the visitor's row.
        sql.begin(async (own) => {
          await own`
            update tp_visitors set cleared = next, dropped = case when ${keepLog} then dropped else next end,
              thread_id = null, thread_made_by = null, messages = 0, last_seen = null, name = null
            where key = ${key}`;
          if (keepLog) await hide(own, key);
          else await own`delete from tp_exchanges where visitor = ${key}`;
        }),
      );
      await clear.catch((thrown: unknown) => {
        throw asUnavailable(thrown);
      });
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
