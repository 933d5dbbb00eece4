import { z } from 'zod';
import { type AcceptedMessage, type UpstreamThread, visitorKey } from '../../chat/model.ts';
import type { Accepted, DayLimit } from '../../chat/store-port.ts';
import { logUnavailable, threadBusy } from '../../errors.ts';
import type { Counts } from './counts.ts';
import type { Database } from './database.ts';
import { asUnavailable, isUnknown, sqlState } from './failures.ts';
import type { Heartbeat } from './heartbeat.ts';
import { createKeyedMutex } from './keyed-mutex.ts';
import { threadOf, threadRow } from './rows.ts';
import type { ThreadsAndFacts } from './threads-and-facts.ts';
import type { Turns } from './turns.ts';

/** Seconds for which a key stands for its exchange: a day. */
export const KEY_SECONDS = 24 * 60 * 60;

/** The errors by which the statement undoes itself: the key is another message's; the day, or the share, is used up. */
const DIVISION_BY_ZERO = '22012';
const LOGARITHM_OF_NOTHING = '2201E';
const ROOT_OF_NEGATIVE = '2201F';

const acceptedRow = threadRow.extend({
  place: z.number().nullable(),
  waiting: z.number().nullable(),
  last_seen: z.number().nullable(),
  count: z.number().nullable(),
  registered: z.boolean(),
});
const keyRow = z.object({ id: z.string() });

/** The key stands for another message, which another process accepted at the same time. */
const KNOWN = Symbol('known');
/** This process was declared dead: it must register again first. */
const UNREGISTERED = Symbol('unregistered');
/** The day's messages are used up: those of the site, or of the message's share. */
const OVER = Symbol('over');
const SHARE_OVER = Symbol('share over');

/** What the statement found of an accepted message. */
interface Entered {
  readonly processId: string;
  readonly queuePosition: number;
  /** The visitor's unfinished messages, with this one. */
  readonly waiting: number;
  readonly thread: UpstreamThread | undefined;
  readonly lastSeen: number | null;
  readonly count: number | null;
}

/** Accepts messages. */
export const createAccepting = (deps: {
  database: Database;
  heartbeat: Heartbeat;
  turns: Turns;
  threads: Pick<ThreadsAndFacts, 'pendingThread'>;
  counts: Pick<Counts, 'startDay'>;
  /** Messages of a visitor that may wait while another is answered. */
  maxWaiting: number;
}): { accept(message: AcceptedMessage, day?: DayLimit): Promise<Accepted> } => {
  const { database, heartbeat, turns, threads, counts, maxWaiting } = deps;
  const perVisitor = createKeyedMutex();

  /**
   * One statement gives queue position, key, counts of the day and message, or nothing. It locks the visitor's row, so
   * that positions have the order in which the database accepts messages. Where the key stands for another message, or
   * the day is used up, it fails on purpose, which undoes all of it.
   */
  const insert = async (message: AcceptedMessage, day: DayLimit | undefined): Promise<Entered | symbol> => {
    const { id, visitor, user, timestamp, key = null, name = null } = message;
    const processId = heartbeat.processId();
    const who = visitorKey(visitor);
    if (day && day.limit !== null) await counts.startDay(day.day);
    const { key: shareKey = null, limit: shareLimit = 0 } = day?.share ?? {};
    const rows = await database.try(
      (sql) => sql`
        with visitor as (
          insert into tp_visitors as v (key, next, waiting)
          select ${who}, 1, 1 from tp_processes where id = ${processId}
          on conflict (key) do update set next = v.next + 1, waiting = v.waiting + 1
            where v.waiting <= ${maxWaiting}::integer
          returning next as place, waiting, thread_id, thread_made_by, last_seen
        ), keyed as (
          insert into tp_keys as k (key, id, at)
          select ${key}::text, ${id}, ${timestamp}::float8 from visitor where ${key}::text is not null
          on conflict (key) do update set id = excluded.id, at = excluded.at, free = false
            where k.free or k.at < excluded.at - ${KEY_SECONDS}::float8
          returning id
        ), shared as (
          insert into tp_calls as c (key, count, resets)
          select 'share:' || ${shareKey}::text, 1, clock_timestamp() + interval '1 day' from visitor
          where ${shareKey}::text is not null and (${key}::text is null or exists (select from keyed))
          on conflict (key) do update set
            count = case when c.resets <= clock_timestamp() then 1 else c.count + 1 end,
            resets = greatest(c.resets, excluded.resets)
          returning count
        ), counted as (
          -- Only what is accepted gets a number: a sequence takes none back.
          select d.count + nextval('tp_message_numbers') - d.base as count
          from visitor, tp_days d
          where d.day = ${day?.day ?? null}::text and ${day?.limit ?? null}::bigint is not null
            and (${key}::text is null or exists (select from keyed))
            and not exists (select from shared where count > ${shareLimit}::bigint)
        ), taken as (
          insert into tp_taken (id, visitor, place, process, said, at, key, name)
          select ${id}, ${who}, place, ${processId}, ${user}, ${timestamp}::float8, ${key}::text, ${name}::text
          from visitor
          returning place
        )
        select (select place from taken) as place, v.waiting, v.thread_id, v.thread_made_by, v.last_seen,
          (select count from counted) as count,
          exists (select from tp_processes where id = ${processId}) as registered,
          case when v.place is not null and ${key}::text is not null
            then 1 / (select count(*)::integer from keyed) end as kept,
          ln(case when (select count from counted) > ${day?.limit ?? null}::bigint then 0 else 1 end) as within,
          sqrt(case when (select count from shared) > ${shareLimit}::bigint then -1 else 1 end) as within_share
        from (select) one left join visitor v on true`,
    );
    const { place, waiting, count, last_seen: lastSeen, registered, ...thread } = acceptedRow.parse(rows[0]);
    if (place !== null && waiting !== null) {
      return { processId, queuePosition: place, waiting, thread: threadOf(thread), lastSeen, count };
    }
    if (registered) throw threadBusy();
    return UNREGISTERED;
  };

  /**
   * Makes a message count as never accepted after its statement was cut off. The statement may still be on its way: it
   * then finds the id in use.
   */
  const undo = ({ id, visitor, key }: AcceptedMessage): Promise<unknown> =>
    database.persist(
      (sql) => sql`
        with was as (
          insert into tp_taken as t (id, visitor, place, said, at, undone)
          values (${id}, ${visitorKey(visitor)}, 0, '', 0, now())
          on conflict (id) do update set undone = now(), process = null, said = '' where t.undone is null
          returning place, visitor
        ), visitor as (
          update tp_visitors v set waiting = waiting - 1 from was where v.key = was.visitor and was.place > 0
        )
        update tp_keys set free = true where key = ${key ?? null}::text and id = ${id}`,
    );

  const tryToInsert = async (message: AcceptedMessage, day: DayLimit | undefined) => {
    try {
      return await insert(message, day);
    } catch (thrown) {
      const state = sqlState(thrown);
      if (state === DIVISION_BY_ZERO) return KNOWN;
      if (state === LOGARITHM_OF_NOTHING) return OVER;
      if (state === ROOT_OF_NEGATIVE) return SHARE_OVER;
      if (isUnknown(thrown)) undo(message).catch(() => undefined);
      throw asUnavailable(thrown);
    }
  };

  /** The id that a key stands for. */
  const idOf = async (key: string): Promise<string> => {
    const rows = await database.ask((sql) => sql`select id from tp_keys where key = ${key}`);
    if (!rows[0]) throw logUnavailable({ cause: new Error('the key was just forgotten') });
    return keyRow.parse(rows[0]).id;
  };

  /**
   * Frees a key whose exchange its visitor has cleared: nobody can be given it any more, now or later.
   * @returns Whether it had to be. A statement of its own: it sees what the one before waited for.
   */
  const isFreed = async (key: string, id: string): Promise<boolean> => {
    const rows = await database.ask(
      (sql) => sql`
        update tp_keys set free = true where key = ${key} and id = ${id}
          and not exists (select from tp_taken t where t.id = ${id})
          and not exists (select from tp_exchanges e where e.id = ${id} and not e.cleared)
        returning id`,
    );
    return rows.length > 0;
  };

  const accept = async (message: AcceptedMessage, day: DayLimit | undefined): Promise<Accepted> => {
    const trouble = database.trouble();
    if (trouble !== undefined) throw logUnavailable({ cause: new Error(trouble) });
    let entered = await tryToInsert(message, day);
    if (entered === UNREGISTERED) {
      await heartbeat.beat();
      entered = await tryToInsert(message, day);
    }
    if (entered === UNREGISTERED)
      throw logUnavailable({ cause: new Error('this process was declared dead') });
    if (entered === OVER) return { type: 'over', of: 'site' };
    if (entered === SHARE_OVER) return { type: 'over', of: 'share' };
    if (typeof entered === 'symbol') {
      const id = await idOf(message.key ?? '');
      if (!(await isFreed(message.key ?? '', id))) return { type: 'known', id };
      return accept(message, day);
    }
    const { count, lastSeen } = entered;
    const pending = threads.pendingThread(visitorKey(message.visitor));
    const thread = pending ? pending.thread : entered.thread;
    return {
      type: 'accepted',
      mayRun: turns.enter(message, entered),
      ...(count !== null && { count }),
      // Those before it may still change both.
      ...(entered.waiting === 1 && { thread: thread ?? null, lastSeen }),
    };
  };

  return {
    // One at a time per visitor, in the order of the calls: several connections would not keep it.
    accept: (message, day) => perVisitor.run(visitorKey(message.visitor), () => accept(message, day)),
  };
};
