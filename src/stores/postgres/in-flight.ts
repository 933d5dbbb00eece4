import { z } from 'zod';
import type { Store } from '../../chat/store-port.ts';
import { KEY_SECONDS } from './accepting.ts';
import type { Database } from './database.ts';
import { asUnavailable, isUnknown } from './failures.ts';
import type { Heartbeat } from './heartbeat.ts';
import { messageOf, messageRow } from './rows.ts';
import type { ThreadsAndFacts } from './threads-and-facts.ts';
import type { Turns } from './turns.ts';

const keyRow = z.object({ id: z.string() });
const adoptedRow = messageRow.extend({ place: z.number() });

type InFlight = Pick<Store, 'unfinished' | 'interrupted' | 'keyed' | 'requestStop' | 'onStopRequested'>;

/** Messages that are accepted and not finished, in whichever process, and what keys stand for. */
export const createInFlight = (deps: {
  database: Database;
  heartbeat: Heartbeat;
  turns: Turns;
  threads: Pick<ThreadsAndFacts, 'drop'>;
}): InFlight => {
  const { database, heartbeat, turns, threads } = deps;
  const stops = new Set<(id: string) => void>();
  /** Whether an answer was lost that may have given this process messages it does not know of. */
  let isAnswerLost = false;
  /** Messages that were stopped here. Stop requests are repeated on each heartbeat. */
  const stopped = new Set<string>();

  const stopHere = (ids: readonly string[]): void => {
    for (const id of stopped) if (!turns.get(id)) stopped.delete(id);
    for (const id of ids) {
      if (stopped.has(id) || !turns.get(id)) continue;
      stopped.add(id);
      for (const stop of stops) stop(id);
    }
  };
  heartbeat.onStops(stopHere);
  // Other processes may run in these threads by now, or have cleared them.
  heartbeat.onLost((lost) => {
    const ids = turns.under(lost);
    stopHere(ids);
    for (const id of ids) {
      void threads.drop(turns.get(id)?.visitor ?? '');
      turns.leave(id);
    }
  });

  return {
    async unfinished(id) {
      const rows = await database.ask(
        (sql) =>
          sql`select id, visitor, said, at, key, name from tp_taken where id = ${id} and undone is null`,
      );
      return rows[0] && messageOf(messageRow.parse(rows[0]));
    },
    async interrupted() {
      const processId = heartbeat.processId();
      const isAgain = isAnswerLost;
      // `stop` marks what is adopted, to distinguish it from what this process is accepting just now.
      const adopting = database.try(
        (sql) => sql`
          update tp_taken set process = ${processId}, stop = true
          where id in (
            select id from tp_taken
            where undone is null and (process is null or (${isAgain} and process = ${processId} and stop))
            order by id limit 1000 for update skip locked
          ) and exists (select from tp_processes where id = ${processId})
          returning id, visitor, said, at, key, name, place`,
      );
      const rows = await adopting.catch((thrown: unknown) => {
        isAnswerLost ||= isUnknown(thrown);
        throw asUnavailable(thrown);
      });
      if (isAgain) isAnswerLost = false;
      const found = z.array(adoptedRow).parse([...rows]);
      const adopted = found.filter(({ id }) => !turns.get(id));
      for (const { id, visitor, place } of adopted) {
        turns.adopt(id, { processId, visitor, queuePosition: place });
      }
      return adopted.toSorted((a, b) => a.at - b.at).map(messageOf);
    },
    async keyed(key) {
      const rows = await database.ask(
        (sql) => sql`
          select id from tp_keys
          where key = ${key} and at >= (select max(at) from tp_keys) - ${KEY_SECONDS}::float8`,
      );
      return rows[0] && keyRow.parse(rows[0]).id;
    },
    async requestStop(id) {
      if (turns.get(id)) stopHere([id]);
      else await database.ask((sql) => sql`update tp_taken set stop = true where id = ${id}`);
    },
    onStopRequested(stop) {
      stops.add(stop);
    },
  };
};
