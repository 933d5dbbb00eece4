import { z } from 'zod';
import { type AcceptedMessage, visitorKey } from '../../chat/model.ts';
import type { Accepted } from '../../chat/store-port.ts';
import { logUnavailable, threadBusy } from '../../errors.ts';
import type { Database } from './database.ts';
import { asUnavailable, isUnknown, sqlState } from './failures.ts';
import type { Presence } from './heartbeat.ts';
import { createLanes } from './keyed-mutex.ts';
import type { Turns } from './turns.ts';

/** Seconds for which a key stands for its exchange: a day. */
export const KEY_SECONDS = 24 * 60 * 60;

/** How the statement that takes a message is told to be undone where its key is taken. */
const DIVISION_BY_ZERO = '22012';

const begunRow = z.object({
  place: z.number().nullable(),
  waiting: z.number().nullable(),
  present: z.boolean(),
});
const keyRow = z.object({ id: z.string() });

/** The id that a key stands for, where another process took it in the same moment. */
const KNOWN = Symbol('known');
/** This process counts as dead: it is to enter itself anew first. */
const ABSENT = Symbol('absent');

/** Takes messages. */
export const createTaking = (deps: {
  database: Database;
  presence: Presence;
  turns: Turns;
  /** Messages of a visitor that may wait while another is answered. */
  maxWaiting: number;
}): { accept(message: AcceptedMessage): Promise<Accepted> } => {
  const { database, presence, turns, maxWaiting } = deps;
  const lanes = createLanes();

  /**
   * One statement takes place, key and message, or nothing. The visitor's row is locked by it, so that places are
   * given in the order in which the database takes messages; where the key stands for another exchange it divides by
   * zero, which undoes all of it.
   */
  const take = async (message: AcceptedMessage) => {
    const { id, visitor, user, timestamp, key = null, name = null } = message;
    const process = presence.id();
    const who = visitorKey(visitor);
    const rows = await database.try(
      (sql) => sql`
        with visitor as (
          insert into tp_visitors as v (key, next, waiting)
          select ${who}, 1, 1 from tp_processes where id = ${process}
          on conflict (key) do update set next = v.next + 1, waiting = v.waiting + 1
            where v.waiting <= ${maxWaiting}::integer
          returning next as place, waiting
        ), keyed as (
          insert into tp_keys as k (key, id, at)
          select ${key}::text, ${id}, ${timestamp}::float8 from visitor where ${key}::text is not null
          on conflict (key) do update set id = excluded.id, at = excluded.at, free = false
            where k.free or k.at < excluded.at - ${KEY_SECONDS}::float8
          returning id
        ), taken as (
          insert into tp_taken (id, visitor, place, process, said, at, key, name)
          select ${id}, ${who}, place, ${process}, ${user}, ${timestamp}::float8, ${key}::text, ${name}::text
          from visitor
          returning place
        )
        select (select place from taken) as place, (select waiting from visitor) as waiting,
          exists (select from tp_processes where id = ${process}) as present,
          case when exists (select from visitor) and ${key}::text is not null
            then 1 / (select count(*)::integer from keyed) end as kept`,
    );
    const { place, waiting, present } = begunRow.parse(rows[0]);
    if (place !== null && waiting !== null) return { process, place, waiting };
    if (present) throw threadBusy();
    return ABSENT;
  };

  /**
   * Sees to it that a message whose taking was cut off was never taken, even if the statement, which may still be on
   * its way, arrives later: its id is taken already then.
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

  const tryToTake = async (message: AcceptedMessage) => {
    try {
      return await take(message);
    } catch (thrown) {
      if (sqlState(thrown) === DIVISION_BY_ZERO) return KNOWN;
      if (isUnknown(thrown)) undo(message).catch(() => undefined);
      throw asUnavailable(thrown);
    }
  };

  /** The id that a key stands for. */
  const idOf = async (key: string): Promise<string> => {
    const rows = await database.ask((sql) => sql`select id from tp_keys where key = ${key}`);
    if (!rows[0]) throw logUnavailable({ cause: new Error('the key was forgotten in this moment') });
    return keyRow.parse(rows[0]).id;
  };

  /**
   * Frees a key whose exchange its visitor has cleared: nobody can be told of it any more, now or later.
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

  const accept = async (message: AcceptedMessage): Promise<Accepted> => {
    const trouble = database.trouble();
    if (trouble !== undefined) throw logUnavailable({ cause: new Error(trouble) });
    const begun = await tryToTake(message);
    if (begun === ABSENT) {
      await presence.beat();
      throw logUnavailable({ cause: new Error('this process was taken for dead') });
    }
    if (begun === KNOWN) {
      const id = await idOf(message.key ?? '');
      if (!(await isFreed(message.key ?? '', id))) return { type: 'known', id };
      return accept(message);
    }
    return { type: 'accepted', mayRun: turns.enter(message, begun) };
  };

  return {
    // In the order in which they are begun here: several connections would not keep it.
    accept: (message) => lanes.run(visitorKey(message.visitor), () => accept(message)),
  };
};
