import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Logger } from '../../chat/ports.ts';
import type { Database } from './database.ts';
import { reasonOf } from './failures.ts';
import type { Tuning } from './tuning.ts';

/** This process among those that share the database. */
export interface Heartbeat {
  /** The id under which messages are accepted now; a process that was declared dead gets a new one. */
  processId(): string;
  /** Sends a heartbeat now, and checks whether this process itself was declared dead. */
  beat(): Promise<void>;
  /** Calls `stop` with the ids of this process's messages that another has asked to stop. */
  onStops(stop: (ids: readonly string[]) => void): void;
  /** Calls `lose` when this process was declared dead: the messages of this process id belong to others now. */
  onLost(lose: (processId: string) => void): void;
  /** Releases the messages of processes that no longer exist. */
  sweep(): Promise<void>;
  /** Stops; other processes get the messages of this one at once. */
  leave(): Promise<void>;
}

const beatRow = z.object({
  here: z.boolean(),
  processes: z.array(z.tuple([z.string(), z.number()])),
  stops: z.array(z.string()),
});

/** What is known of another process. */
interface Seen {
  readonly beat: number;
  /** Milliseconds for which its counter has not changed while this process was watching. */
  still: number;
}

/**
 * Registers this process and sends heartbeats. Whether another is alive is told by its counter alone, so that no clocks
 * are compared, and only while this process watches without a gap: an outage of the database, or a host that slept,
 * gets no process declared dead.
 * @throws What the database throws where this process cannot be registered.
 */
export const startHeartbeat = async (deps: {
  database: Database;
  tuning: Tuning;
  logger: Logger;
}): Promise<Heartbeat> => {
  const { database, tuning, logger } = deps;
  const seen = new Map<string, Seen>();
  let processId = '';
  let lastLookAt = 0;
  let isLeaving = false;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;
  let onStops: (ids: readonly string[]) => void = () => undefined;
  let onLost: (processId: string) => void = () => undefined;

  const ask: Database['try'] = (statement) => database.try(statement, { isHeartbeat: true });

  const register = async (): Promise<void> => {
    const id = randomUUID();
    await ask((sql) => sql`insert into tp_processes (id) values (${id})`);
    processId = id;
  };

  /** Removes a dead process, unless its counter has changed after all; its messages go to whoever asks for them. */
  const declareDead = async (id: string, beat: number): Promise<void> => {
    await ask(
      (sql) => sql`
        with dead as (delete from tp_processes where id = ${id} and beat = ${beat}::bigint returning id)
        update tp_taken set process = null from dead where process = dead.id`,
    );
    seen.delete(id);
    logger.warn({ process: id }, 'a process has died; its turns are logged as failed');
  };

  /** `declareDead` misses what the process accepted at the same moment. */
  const sweep = async (): Promise<void> => {
    await ask(
      (sql) => sql`
        update tp_taken set process = null
        where process is not null and process not in (select id from tp_processes)`,
    );
  };

  const observe = async (processes: readonly (readonly [string, number])[]): Promise<void> => {
    const now = performance.now();
    // A gap counts as two heartbeats at most: nobody knows what happened in a longer one.
    const since = lastLookAt === 0 ? 0 : Math.min(now - lastLookAt, 2 * tuning.beatMs);
    lastLookAt = now;
    const present = new Map(processes);
    for (const id of seen.keys()) if (!present.has(id)) seen.delete(id);
    for (const [id, beat] of present) {
      const before = seen.get(id);
      if (id === processId || before?.beat !== beat) seen.set(id, { beat, still: 0 });
      else before.still += since;
      const { still } = seen.get(id) ?? { still: 0 };
      if (still < tuning.deadMs) continue;
      await declareDead(id, beat);
      await sweep();
    }
  };

  const look = async (): Promise<void> => {
    const rows = await ask(
      (sql) => sql`
        with fast as (select set_config('synchronous_commit', 'off', true) as done),
        mine as (update tp_processes set beat = beat + 1 from fast where id = ${processId} and done = 'off' returning id)
        select exists (select from mine) as here,
          (select coalesce(json_agg(json_build_array(id, beat)), '[]') from tp_processes) as processes,
          (select coalesce(json_agg(id), '[]') from tp_taken where process = ${processId} and stop) as stops`,
    );
    const { here, processes, stops } = beatRow.parse(rows[0]);
    if (!here && !isLeaving) {
      const lost = processId;
      logger.error({ process: lost }, 'this process was declared dead; its turns are given up');
      await register();
      onLost(lost);
    }
    if (stops.length > 0) onStops(stops);
    await observe(processes);
  };

  const beat = (): Promise<void> => {
    looking ??= look()
      .catch((thrown: unknown) => {
        // What other processes did meanwhile is not known.
        seen.clear();
        lastLookAt = 0;
        logger.debug({ reason: reasonOf(thrown) }, 'no heartbeat could be sent');
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

  await register();
  schedule();
  database.onLost(() => {
    if (!isLeaving) void beat();
  });
  return {
    processId: () => processId,
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
          with gone as (delete from tp_processes where id = ${processId} returning id)
          update tp_taken set process = null from gone where process = gone.id`,
      );
    },
  };
};
