import { z } from 'zod';
import { type UpstreamThread, visitorKey } from '../../chat/model.ts';
import type { Store } from '../../chat/store-port.ts';
import type { Database } from './database.ts';
import { storable } from './rows.ts';
import type { Turns } from './turns.ts';

/** What is to be kept of a visitor's thread; without one it is to be forgotten. */
export interface ThreadNote {
  readonly thread: UpstreamThread | undefined;
}

/** Threads and facts: kept without anyone's waiting for it. */
export interface Notes extends Pick<Store, 'thread' | 'setThread' | 'fact' | 'setFact'> {
  /** What is to be written of the visitor's thread with an exchange. */
  threadFor(visitor: string): ThreadNote | undefined;
  written(visitor: string, note: ThreadNote): void;
  /** An exchange of the visitor was finished; what is left of its notes waits for no other. */
  finished(visitor: string): void;
  /** Forgets what is not written yet of a visitor's thread. */
  drop(visitor: string): void;
  /** Writes all that is left. */
  flush(): Promise<void>;
}

const threadRow = z.object({ thread_id: z.string().nullable(), thread_made_by: z.string().nullable() });
const factRow = z.object({ value: z.string() });

export const createNotes = (deps: { database: Database; turns: Turns; noteMs: number }): Notes => {
  const { database, turns, noteMs } = deps;
  const threads = new Map<string, ThreadNote>();
  const facts = new Map<string, { readonly value: string }>();
  let timer: NodeJS.Timeout | undefined;
  let flushing: Promise<void> | undefined;

  const writeThreads = async (notes: readonly (readonly [string, ThreadNote])[]): Promise<void> => {
    const records = notes.map(([key, { thread }]) => ({ key, id: thread?.id, made_by: thread?.madeBy }));
    await database.persist(
      (sql) => sql`
        insert into tp_visitors (key, thread_id, thread_made_by)
        select key, id, made_by from json_to_recordset(${JSON.stringify(records)}::text::json)
          as n(key text, id text, made_by text)
        -- In one order, so that two processes never wait for each other.
        order by key
        on conflict (key) do update set thread_id = excluded.thread_id, thread_made_by = excluded.thread_made_by`,
    );
    for (const [key, note] of notes) if (threads.get(key) === note) threads.delete(key);
  };

  const writeFacts = async (
    notes: readonly (readonly [string, { readonly value: string }])[],
  ): Promise<void> => {
    const records = notes.map(([name, { value }]) => ({ name, value }));
    await database.persist(
      (sql) => sql`
        with notes as (
          select * from json_to_recordset(${JSON.stringify(records)}::text::json) as n(name text, value text)
        ), forgotten as (
          delete from tp_facts f using notes where f.name = notes.name and notes.value = ''
        )
        insert into tp_facts (name, value) select name, value from notes where value <> '' order by name
        on conflict (name) do update set value = excluded.value, set_at = now()`,
    );
    for (const [name, note] of notes) if (facts.get(name) === note) facts.delete(name);
  };

  /** @param isAll Whether threads that an exchange would write soon are written, too. */
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
    timer ??= setTimeout(() => void flush(false), noteMs);
  };

  return {
    async thread(visitor) {
      const key = visitorKey(visitor);
      const note = threads.get(key);
      if (note) return note.thread;
      const rows = await database.ask(
        (sql) => sql`select thread_id, thread_made_by from tp_visitors where key = ${key}`,
      );
      const { thread_id: id = null, thread_made_by: madeBy = null } = rows[0] ? threadRow.parse(rows[0]) : {};
      return id === null || madeBy === null ? undefined : { id, madeBy };
    },
    setThread(visitor, thread) {
      const clean = thread && { id: storable(thread.id), madeBy: storable(thread.madeBy) };
      threads.set(visitorKey(visitor), { thread: clean });
      schedule();
    },
    async fact(name) {
      const note = facts.get(name);
      if (note) return note.value === '' ? undefined : note.value;
      const rows = await database.ask((sql) => sql`select value from tp_facts where name = ${name}`);
      return rows[0] && factRow.parse(rows[0]).value;
    },
    setFact(name, value) {
      facts.set(name, { value: storable(value) });
      schedule();
    },
    threadFor: (visitor) => threads.get(visitor),
    written: (visitor, note) => {
      if (threads.get(visitor) === note) threads.delete(visitor);
    },
    finished: (visitor) => {
      if (threads.has(visitor)) schedule();
    },
    drop: (visitor) => {
      threads.delete(visitor);
    },
    flush: () => flush(true),
  };
};
