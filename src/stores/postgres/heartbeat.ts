import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Logger } from '../../chat/ports.ts';
import type { Database } from './database.ts';
import { reasonOf } from './failures.ts';
import type { Tuning } from './tuning.ts';

/** This process among those that share the database. */
export interface Presence {
  /** The name under which messages are taken now. */
  id(): string;
  /** Tells the others at once that this process lives, and looks whether it counts as alive itself. */
  beat(): Promise<void>;
  /** Calls `stop` with the ids of this process's messages that another has asked to stop. */
  onStops(stop: (ids: readonly string[]) => void): void;
  /** Calls `lose` when this process was taken for dead: what it took under this name belongs to others now. */
  onLost(lose: (name: string) => void): void;
  /** Gives up for dead what was taken under the name of a process that is not there any more. */
  sweep(): Promise<void>;
  /** Takes no more part; what is left of this process is others' at once. */
  leave(): Promise<void>;
}

const beatRow = z.object({
  here: z.boolean(),
  processes: z.array(z.tuple([z.string(), z.number()])),
  stops: z.array(z.string()),
});

/** What was seen of another process. */
interface Seen {
  readonly beat: number;
  /** Milliseconds for which it has not moved, as far as this process was looking. */
  still: number;
}

/**
 * Takes part in the processes. Whether another is alive is seen by its beat alone, so that no clocks are compared, and
 * only while this process looks without a gap, so that a database that was out, or a host that slept, kills nobody.
 * @throws What the database throws where this process cannot be entered.
 */
export const openPresence = async (deps: {
  database: Database;
  tuning: Tuning;
  logger: Logger;
}): Promise<Presence> => {
  const { database, tuning, logger } = deps;
  const seen = new Map<string, Seen>();
  let me = '';
  let lastLook = 0;
  let isLeaving = false;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;
  let onStops: (ids: readonly string[]) => void = () => undefined;
  let onLost: (name: string) => void = () => undefined;

  const ask: Database['try'] = (statement) => database.try(statement, { isSignOfLife: true });

  const enter = async (): Promise<void> => {
    const id = randomUUID();
    await ask((sql) => sql`insert into tp_processes (id) values (${id})`);
    me = id;
  };

  /** Removes a process that is dead, unless it has moved after all; its messages wait for whoever asks for them. */
  const bury = async (id: string, beat: number): Promise<void> => {
    await ask(
      (sql) => sql`
        with dead as (delete from tp_processes where id = ${id} and beat = ${beat}::bigint returning id)
        update tp_taken set process = null from dead where process = dead.id`,
    );
    seen.delete(id);
    logger.warn({ process: id }, 'a process has died; the turns that it was in are logged as failed');
  };

  /** What a process took in the very moment in which it was buried was missed then. */
  const sweep = async (): Promise<void> => {
    await ask(
      (sql) => sql`
        update tp_taken set process = null
        where process is not null and process not in (select id from tp_processes)`,
    );
  };

  const observe = async (processes: readonly (readonly [string, number])[]): Promise<void> => {
    const now = performance.now();
    // A gap counts as two beats at most: what happened in a longer one was not seen.
    const since = lastLook === 0 ? 0 : Math.min(now - lastLook, 2 * tuning.beatMs);
    lastLook = now;
    const present = new Map(processes);
    for (const id of seen.keys()) if (!present.has(id)) seen.delete(id);
    for (const [id, beat] of present) {
      const before = seen.get(id);
      if (id === me || before?.beat !== beat) seen.set(id, { beat, still: 0 });
      else before.still += since;
      const { still } = seen.get(id) ?? { still: 0 };
      if (still < tuning.deadMs) continue;
      await bury(id, beat);
      await sweep();
    }
  };

  const look = async (): Promise<void> => {
    const rows = await ask(
      (sql) => sql`
        with fast as (select set_config('synchronous_commit', 'off', true) as done),
        mine as (update tp_processes set beat = beat + 1 from fast where id = ${me} and done = 'off' returning id)
        select exists (select from mine) as here,
          (select coalesce(json_agg(json_build_array(id, beat)), '[]') from tp_processes) as processes,
          (select coalesce(json_agg(id), '[]') from tp_taken where process = ${me} and stop) as stops`,
    );
    const { here, processes, stops } = beatRow.parse(rows[0]);
    if (!here && !isLeaving) {
      const lost = me;
      logger.error({ process: lost }, 'this process was taken for dead; what it was doing is given up');
      await enter();
      onLost(lost);
    }
    if (stops.length > 0) onStops(stops);
    await observe(processes);
  };

  const beat = (): Promise<void> => {
    looking ??= look()
      .catch((thrown: unknown) => {
        // What others did meanwhile is not known.
        seen.clear();
        lastLook = 0;
        logger.debug({ reason: reasonOf(thrown) }, 'no sign of life could be given');
      })
      .finally(() => {
        looking = undefined;
        schedule();
      });
    return looking;
  };
  const schedule = (): void => {
    clearTimeout(timer);
    if (isLeaving) return;
    const wait = database.trouble() === undefined ? tuning.beatMs : tuning.retryMs;
    timer = setTimeout(() => void beat(), wait);
  };

  await enter();
  schedule();
  database.onLost(() => {
    if (!isLeaving) void beat();
  });
  return {
    id: () => me,
    beat,
    sweep,
    onStops: (stop) => {
      onStops = stop;
    },
    onLost: (lose) => {
      onLost = lose;
    },
    leave: async () => {
      isLeaving = true;
      clearTimeout(timer);
      await looking;
      await ask(
        (sql) => sql`
          with gone as (delete from tp_processes where id = ${me} returning id)
          update tp_taken set process = null from gone where process = gone.id`,
      );
    },
  };
};
