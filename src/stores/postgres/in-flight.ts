import { z } from 'zod';
import type { Store } from '../../chat/store-port.ts';
import { KEY_SECONDS } from './accepting.ts';
import type { Database } from './database.ts';
import { asUnavailable, isUnknown } from './failures.ts';
import type { Presence } from './heartbeat.ts';
import { messageOf, takenRow } from './rows.ts';
import type { Notes } from './threads-and-facts.ts';
import type { Turns } from './turns.ts';

const keyRow = z.object({ id: z.string() });
const adoptedRow = takenRow.extend({ place: z.number() });

type Held = Pick<Store, 'unfinished' | 'interrupted' | 'keyed' | 'requestStop' | 'onStopRequested'>;

/** Messages that are taken and not finished, wherever they run, and what keys stand for. */
export const createHeld = (deps: {
  database: Database;
  presence: Presence;
  turns: Turns;
  notes: Notes;
}): Held => {
  const { database, presence, turns, notes } = deps;
  const stops = new Set<(id: string) => void>();
  /** Whether an answer was lost that may have given messages to this process, which knows nothing of them then. */
  let isAnswerLost = false;
  /** Messages that were stopped here; another process's wish is told again with each beat. */
  const stopped = new Set<string>();

  const stopHere = (ids: readonly string[]): void => {
    for (const id of stopped) if (!turns.get(id)) stopped.delete(id);
    for (const id of ids) {
      if (stopped.has(id) || !turns.get(id)) continue;
      stopped.add(id);
      for (const stop of stops) stop(id);
    }
  };
  presence.onStops(stopHere);
  // Others may run in their threads by now, or have cleared them.
  presence.onLost((name) => {
    const ids = turns.under(name);
    stopHere(ids);
    for (const id of ids) {
      notes.drop(turns.get(id)?.visitor ?? '');
      turns.leave(id);
    }
  });

  return {
    async unfinished(id) {
      const rows = await database.ask(
        (sql) =>
          sql`select id, visitor, said, at, key, name from tp_taken where id = ${id} and undone is null`,
      );
      return rows[0] && messageOf(takenRow.parse(rows[0]));
    },
    async interrupted() {
      const process = presence.id();
      const isAgain = isAnswerLost;
      // What is taken over is marked as what is to stop: so it is told from what this process is only just taking.
      const taking = database.try(
        (sql) => sql`
          update tp_taken set process = ${process}, stop = true
          where id in (
            select id from tp_taken
            where undone is null and (process is null or (${isAgain} and process = ${process} and stop))
            order by id limit 1000 for update skip locked
          ) and exists (select from tp_processes where id = ${process})
          returning id, visitor, said, at, key, name, place`,
      );
      const rows = await taking.catch((thrown: unknown) => {
        isAnswerLost ||= isUnknown(thrown);
        throw asUnavailable(thrown);
      });
      if (isAgain) isAnswerLost = false;
      const found = z.array(adoptedRow).parse([...rows]);
      const adopted = found.filter(({ id }) => !turns.get(id));
      for (const { id, visitor, place } of adopted) turns.adopt(id, { process, visitor, place });
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
