import { z } from 'zod';
import { type Exchange, visitorKey } from '../../chat/model.ts';
import { logUnavailable } from '../../errors.ts';
import type { Database } from './database.ts';
import { createLanes } from './keyed-mutex.ts';
import { storable } from './rows.ts';
import type { Notes } from './threads-and-facts.ts';
import type { OwnTurn, Turns } from './turns.ts';

const keptRow = z.object({ answer: z.string().nullable(), error: z.string().nullable() });

/** Bytes that an exchange takes in memory while it waits, roughly. */
const sizeOf = ({ user, bot }: Exchange): number => 2 * (user.length + (bot?.length ?? 0)) + 500;

const answerOf = ({ bot }: Exchange): string | null => (bot === null ? null : storable(bot));

/** Records what became of messages. */
export interface Finishing {
  finish(exchange: Exchange): Promise<void>;
  /** Resolves when nothing waits for the database any more. */
  idle(): Promise<void>;
  /** Exchanges that wait for the database. */
  waiting(): number;
}

export const createFinishing = (deps: {
  database: Database;
  turns: Turns;
  notes: Notes;
  maxPendingBytes: number;
}): Finishing => {
  const { database, turns, notes, maxPendingBytes } = deps;
  const lanes = createLanes();
  const finishing = new Map<string, Promise<void>>();
  let pendingBytes = 0;

  /** What the log holds under this id. */
  const kept = async (id: string): Promise<z.infer<typeof keptRow> | undefined> => {
    const rows = await database.persist(
      (sql) => sql`select answer, error from tp_exchanges where id = ${id}`,
    );
    return rows[0] && keptRow.parse(rows[0]);
  };

  /**
   * One statement: only who has the message may finish it, and what the visitor cleared meanwhile stays cleared.
   * @returns Whether it was done; done once before it cannot be done again.
   */
  const write = async (exchange: Exchange, { process }: OwnTurn): Promise<boolean> => {
    const { id, user, error = null, truncated = false, usage, timestamp, name = null } = exchange;
    const bot = answerOf(exchange);
    const who = visitorKey(exchange.visitor);
    const rows = await database.persist((sql) => {
      // Looked up with each attempt: it may have been set while the one before failed.
      const note = notes.threadFor(who);
      const statement = sql`
        with gone as (
          delete from tp_taken where id = ${id} and process = ${process} returning place, key
        ), visitor as (
          update tp_visitors v set waiting = waiting - 1,
            messages = messages + (gone.place > cleared)::integer,
            last_seen = case when gone.place > cleared then ${timestamp}::float8 else last_seen end,
            name = case when gone.place > cleared then coalesce(${name}::text, v.name) else v.name end,
            thread_id = case when ${note !== undefined} and gone.place > cleared
              then ${note?.thread?.id ?? null}::text else thread_id end,
            thread_made_by = case when ${note !== undefined} and gone.place > cleared
              then ${note?.thread?.madeBy ?? null}::text else thread_made_by end
          from gone where v.key = ${who}
          returning gone.place, gone.key, cleared, dropped
        ), logged as (
          insert into tp_exchanges
            (id, visitor, place, said, answer, error, truncated, tokens_in, tokens_out, at, name, cleared)
          select ${id}, ${who}, place, ${user}, ${bot}::text, ${error}::text, ${truncated},
            ${usage?.input ?? null}::float8, ${usage?.output ?? null}::float8, ${timestamp}::float8, ${name}::text,
            place <= cleared
          from visitor where place > dropped
        ), freed as (
          update tp_keys k set free = true from visitor
          where ${bot === null} and k.key = visitor.key and k.id = ${id}
        )
        select place from visitor`;
      return statement.then((found) => {
        if (note) notes.written(who, note);
        return found;
      });
    });
    return rows.length > 0;
  };

  const settle = async (exchange: Exchange): Promise<void> => {
    const { id } = exchange;
    const turn = turns.get(id);
    if (turn && (await write(exchange, turn))) return;
    const found = await kept(id);
    const refuse = (why: string) => logUnavailable({ cause: new Error(why) });
    if (!found) throw refuse('the message is this process’s no more');
    // A write whose answer was lost has been done; or it was done before, and once is enough.
    if (!turn || (found.answer === answerOf(exchange) && found.error === (exchange.error ?? null))) return;
    throw refuse('another process has logged the turn as failed');
  };

  /** A message whose exchange cannot be kept is one that was cut off: else its visitor's next would wait for ever. */
  const giveUp = (id: string, { process }: OwnTurn): void => {
    database
      .persist((sql) => sql`update tp_taken set process = null where id = ${id} and process = ${process}`)
      .catch(() => undefined);
  };

  const keep = async (exchange: Exchange): Promise<void> => {
    const size = sizeOf(exchange);
    if (pendingBytes + size > maxPendingBytes) {
      throw logUnavailable({ cause: new Error('too many exchanges wait for the database') });
    }
    pendingBytes += size;
    try {
      await lanes.run(visitorKey(exchange.visitor), () => settle(exchange));
    } finally {
      pendingBytes -= size;
    }
  };

  const finish = async (exchange: Exchange): Promise<void> => {
    const { id } = exchange;
    const turn = turns.get(id);
    let isKept = false;
    try {
      await keep(exchange);
      isKept = true;
    } finally {
      turns.leave(id);
      // What is not kept of an exchange is not kept of its thread either: it may be cleared, or another's by now.
      if (isKept) notes.finished(visitorKey(exchange.visitor));
      else notes.drop(visitorKey(exchange.visitor));
      if (!isKept && turn) giveUp(id, turn);
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
