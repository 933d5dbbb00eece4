import { z } from 'zod';
import { type UpstreamThread, visitorKey } from '../../chat/model.ts';
import type { Facts, Threads } from '../../chat/store-port.ts';
import type { Database } from './database.ts';
import { storable, threadOf, threadRow } from './rows.ts';
import type { Turns } from './turns.ts';

/** A visitor's thread that is not written yet; without one, the stored thread is to be forgotten. */
export interface PendingThread {
  readonly thread: UpstreamThread | undefined;
}

/** Threads and facts. Setting one is not waited for: a thread is written with the visitor's next exchange, if there is one. */
export interface ThreadsAndFacts extends Threads, Facts {
  /** The thread of a visitorKey() that is to be written with its exchange. */
  pendingThread(visitor: string): PendingThread | undefined;
  /** The pending thread was written. */
  written(visitor: string, pending: PendingThread): void;
  /** An exchange of the visitor was finished: a thread that is still pending waits for no other. */
  finished(visitor: string): void;
  /** Forgets a pending thread. Resolves when no write of it is on its way any more. */
  drop(visitor: string): Promise<void>;
  /** Writes all that is pending. */
  flush(): Promise<void>;
}

const factRow = z.object({ value: z.string() });

export const createThreadsAndFacts = (deps: {
  database: Database;
  turns: Pick<Turns, 'has'>;
  /** Milliseconds after which what is pending is written. */
  writeAfterMs: number;
}): ThreadsAndFacts => {
  const { database, turns, writeAfterMs } = deps;
  const threads = new Map<string, PendingThread>();
  const facts = new Map<string, { readonly value: string }>();
  let timer: NodeJS.Timeout | undefined;
  let flushing: Promise<void> | undefined;
  /** The attempt to write threads that is on its way, or was last. */
  let writing: Promise<void> = Promise.resolve();

  const writeThreads = async (pending: readonly (readonly [string, PendingThread])[]): Promise<void> => {
    await database.persist((sql) => {
      // Filtered with each attempt: what was dropped while the one before failed must not come back.
      const records = pending.flatMap(([key, one]) =>
        threads.get(key) === one ? [{ key, id: one.thread?.id, made_by: one.thread?.madeBy }] : [],
      );
      const statement = sql`
        insert into tp_visitors (key, thread_id, thread_made_by)
        select key, id, made_by from json_to_recordset(${JSON.stringify(records)}::text::json)
          as n(key text, id text, made_by text)
        -- In one order, so that two processes never wait for each other.
        order by key
        on conflict (key) do update set thread_id = excluded.thread_id, thread_made_by = excluded.thread_made_by`;
      writing = statement.then(
        () => undefined,
        () => undefined,
      );
      return statement;
    });
    for (const [key, one] of pending) if (threads.get(key) === one) threads.delete(key);
  };

  const writeFacts = async (
    pending: readonly (readonly [string, { readonly value: string }])[],
  ): Promise<void> => {
    const records = pending.map(([name, { value }]) => ({ name, value }));
    await database.persist(
      (sql) => sql`
        with pending as (
          select * from json_to_recordset(${JSON.stringify(records)}::text::json) as p(name text, value text)
        ), forgotten as (
          delete from tp_facts f using pending where f.name = pending.name and pending.value = ''
        )
        insert into tp_facts (name, value) select name, value from pending where value <> '' order by name
        on conflict (name) do update set value = excluded.value, set_at = now()`,
    );
    for (const [name, one] of pending) if (facts.get(name) === one) facts.delete(name);
  };

  /** @param isAll Whether to write also the threads that an exchange will soon be written with. */
  const write = async (isAll: boolean): Promise<void> => {
    const due = [...threads].filter(([key]) => isAll || !turns.has(key));
    if (due.length > 0) await writeThreads(due);
    if (facts.size > 0) await writeFacts([...facts]);
  };
  const flush = (isAll: boolean): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    const before = flushing;
    const mine = (before ? before.then(() => write(isAll)) : write(isAll)).catch(() => undefined);
    flushing = mine;
    return mine.finally(() => {
      if (flushing === mine) flushing = undefined;
    });
  };
  const schedule = (): void => {
    timer ??= setTimeout(() => void flush(false), writeAfterMs);
  };

  return {
    async thread(visitor) {
      const key = visitorKey(visitor);
      const pending = threads.get(key);
      if (pending) return pending.thread;
      const rows = await database.ask(
        (sql) => sql`select thread_id, thread_made_by from tp_visitors where key = ${key}`,
      );
      return rows[0] && threadOf(threadRow.parse(rows[0]));
    },
    setThread(visitor, thread) {
      const clean = thread && { id: storable(thread.id), madeBy: storable(thread.madeBy) };
      threads.set(visitorKey(visitor), { thread: clean });
      schedule();
    },
    async fact(name) {
      const pending = facts.get(name);
      if (pending) return pending.value === '' ? undefined : pending.value;
      const rows = await database.ask((sql) => sql`select value from tp_facts where name = ${name}`);
      return rows[0] && factRow.parse(rows[0]).value;
    },
    setFact(name, value) {
      facts.set(name, { value: storable(value) });
      schedule();
    },
    pendingThread: (visitor) => threads.get(visitor),
    written: (visitor, pending) => {
      if (threads.get(visitor) === pending) threads.delete(visitor);
    },
    finished: (visitor) => {
      if (threads.has(visitor)) schedule();
    },
    drop: async (visitor) => {
      threads.delete(visitor);
      await writing;
    },
    flush: () => flush(true),
  };
};
