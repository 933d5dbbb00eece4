import { z } from 'zod';
import { type Exchange, visitorKey } from '../../chat/model.ts';
import { logUnavailable } from '../../errors.ts';
import type { Database } from './database.ts';
import { createKeyedMutex } from './keyed-mutex.ts';
import { foldedText } from './ops/unfolded.ts';
import { answerColumns, storable, storableJson } from './rows.ts';
import type { ThreadsAndFacts } from './threads-and-facts.ts';
import type { OwnTurn, Turns } from './turns.ts';

const loggedRow = z.object({ answer: z.string().nullable(), error: z.string().nullable() });

/** Roughly the bytes that an exchange takes in memory while it waits. */
const sizeOf = ({ user, bot, sources }: Exchange): number =>
  2 * (user.length + (bot?.length ?? 0) + JSON.stringify(sources ?? '').length) + 500;

const answerOf = ({ bot }: Exchange): string | null => (bot === null ? null : storable(bot));

/** Records what became of messages. */
export interface Finishing {
  finish(exchange: Exchange): Promise<void>;
  /** Resolves when no exchange waits for the database any more. */
  idle(): Promise<void>;
  /** Exchanges that wait for the database. */
  waiting(): number;
}

export const createFinishing = (deps: {
  database: Database;
  turns: Turns;
  threads: ThreadsAndFacts;
  /** Bytes of exchanges that may wait in memory for the database. */
  maxPendingBytes: number;
}): Finishing => {
  const { database, turns, threads, maxPendingBytes } = deps;
  const perVisitor = createKeyedMutex();
  const finishing = new Map<string, Promise<void>>();
  let pendingBytes = 0;

  /** What the log holds under this id. */
  const logged = async (id: string): Promise<z.infer<typeof loggedRow> | undefined> => {
    const rows = await database.persist(
      (sql) => sql`select answer, error from tp_exchanges where id = ${id}`,
    );
    return rows[0] && loggedRow.parse(rows[0]);
  };

  /**
   * One statement: only the process that has the message may finish it, and what the visitor cleared meanwhile stays
   * cleared.
   * @returns Whether it was done; it can be done only once.
   */
  const write = async (exchange: Exchange, { processId }: OwnTurn): Promise<boolean> => {
    const { id, user, timestamp, name = null } = exchange;
    const columns = answerColumns(exchange);
    const { answer: bot } = columns;
    const who = visitorKey(exchange.visitor);
    const rows = await database.persist((sql) => {
      // Looked up with each attempt: it may have been set while the one before failed.
      const pending = threads.pendingThread(who);
      const statement = sql`
        with gone as (
          delete from tp_taken where id = ${id} and process = ${processId} returning place, key
        ), visitor as (
          update tp_visitors v set waiting = waiting - 1,
            messages = messages + (gone.place > cleared)::integer,
            last_seen = case when gone.place > cleared then ${timestamp}::float8 else last_seen end,
            name = case when gone.place > cleared then coalesce(${name}::text, v.name) else v.name end,
            thread_id = case when ${pending !== undefined} and gone.place > cleared
              then ${pending?.thread?.id ?? null}::text else thread_id end,
            thread_made_by = case when ${pending !== undefined} and gone.place > cleared
              then ${pending?.thread?.madeBy ?? null}::text else thread_made_by end
          from gone where v.key = ${who}
          returning gone.place, gone.key, cleared, dropped
        ), logged as (
          insert into tp_exchanges
            (id, visitor, place, said, at, name, cleared, answer, error, truncated, tokens_in, tokens_out, sources, rating,
            comment, flagged, backend, model, queued_ms, first_word_ms, total_ms, tools, unanswered, folded)
          select ${id}, ${who}, place, ${user}, ${timestamp}::float8, ${name}::text, place <= cleared, answer, error,
            truncated, tokens_in, tokens_out, sources, rating, comment, flagged, backend, model, queued_ms,
            first_word_ms, total_ms, tools, unanswered, ${foldedText(user, bot)}
          from visitor, json_to_record(${storableJson(columns)}::text::json) as answered(
            answer text, error text, truncated boolean, tokens_in float8, tokens_out float8, sources jsonb, rating text,
            comment text, flagged jsonb, backend text, model text, queued_ms float8, first_word_ms float8,
            total_ms float8, tools jsonb, unanswered boolean)
          where place > dropped
        ), freed as (
          update tp_keys k set free = true from visitor
          where ${bot === null} and k.key = visitor.key and k.id = ${id}
        )
        select place from visitor`;
      return statement.then((found) => {
        if (pending) threads.written(who, pending);
        return found;
      });
    });
    return rows.length > 0;
  };

  const settle = async (exchange: Exchange): Promise<void> => {
    const { id } = exchange;
    const turn = turns.get(id);
    if (turn && (await write(exchange, turn))) return;
    const found = await logged(id);
    const refuse = (why: string) => logUnavailable({ cause: new Error(why) });
    if (!found) throw refuse('the message belongs to another process now');
    // The answer to an earlier write was lost, or it was finished before: once is enough.
    if (!turn || (found.answer === answerOf(exchange) && found.error === (exchange.error ?? null))) return;
    throw refuse('another process has logged the turn as failed');
  };

  /** A message whose exchange cannot be kept counts as interrupted: else its visitor's next one would wait forever. */
  const release = (id: string, { processId }: OwnTurn): void => {
    database
      .persist((sql) => sql`update tp_taken set process = null where id = ${id} and process = ${processId}`)
      .catch(() => undefined);
  };

  const persist = async (exchange: Exchange): Promise<void> => {
    const size = sizeOf(exchange);
    if (pendingBytes + size > maxPendingBytes) {
      throw logUnavailable({ cause: new Error('too many exchanges wait for the database') });
    }
    pendingBytes += size;
    try {
      await perVisitor.run(visitorKey(exchange.visitor), () => settle(exchange));
    } finally {
      pendingBytes -= size;
    }
  };

  const finish = async (exchange: Exchange): Promise<void> => {
    const { id } = exchange;
    const turn = turns.get(id);
    let isKept = false;
    try {
      await persist(exchange);
      isKept = true;
    } finally {
      turns.leave(id);
      // Without its exchange the thread is not kept either: it may be cleared by now, or another process's.
      if (isKept) threads.finished(visitorKey(exchange.visitor));
      else void threads.drop(visitorKey(exchange.visitor));
      if (!isKept && turn) release(id, turn);
    }
  };

  return {
    finish: (exchange) => {
      const { id } = exchange;
      const pending = finishing.get(id);
      if (pending) return pending;
      const result = finish(exchange).finally(() => finishing.delete(id));
      finishing.set(id, result);
      return result;
    },
    idle: async () => {
      await Promise.allSettled(finishing.values());
    },
    waiting: () => finishing.size,
  };
};
