import type { Clock, Logger } from '../../chat/ports.ts';
import { KEY_SECONDS } from './accepting.ts';
import type { Database } from './database.ts';
import type { Sql } from './driver.ts';
import { reasonOf } from './failures.ts';
import type { Heartbeat } from './heartbeat.ts';
import { foldRest } from './ops/unfolded.ts';
import type { WordIndex } from './ops/word-index.ts';
import type { Tuning } from './tuning.ts';

/** Days whose counts are kept: the budget asks for today, operators may look back a little. */
const KEPT_DAYS = 7;
/** Seconds for which operators can see what was given up: a month. */
const GIVEN_UP_FOR = 30 * 24 * 60 * 60;
/** Seconds for which figures of days are kept: the overview shows 90 days, and the 90 before. */
const SPANS_KEPT_FOR = 200 * 24 * 60 * 60;
/** Facts that are kept; above, those that were set longest ago are forgotten. */
const MAX_FACTS = 1000;
/** Rows that one statement removes, so that none takes long, however many there are. */
const AT_ONCE = 2000;

/** Seconds for which an ended token outlives its own end: another process's clock may be behind this one's. */
const CLOCK_MARGIN = 60 * 60;

/** Removes, now and then, what nobody asks for any more. */
export const startCleanup = (deps: {
  database: Database;
  /** Connections for what may take long. */
  slow: Database;
  heartbeat: Pick<Heartbeat, 'sweep'>;
  wordIndex: Pick<WordIndex, 'tidy'>;
  clock: Clock;
  tuning: Tuning;
  logger: Logger;
}): { stop(): Promise<void> } => {
  const { database, slow, heartbeat, wordIndex, clock, tuning, logger } = deps;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let cleaning: Promise<void> = Promise.resolve();

  const removals: ((sql: Sql) => PromiseLike<{ readonly count: number }>)[] = [
    (sql) => sql`
      delete from tp_keys where key in (
        select key from tp_keys where at < (select max(at) from tp_keys) - ${KEY_SECONDS}::float8 limit ${AT_ONCE})`,
    (sql) => sql`
      delete from tp_ended where token in (
        select token from tp_ended where until <= ${clock.now() / 1000 - CLOCK_MARGIN}::float8 limit ${AT_ONCE})`,
    (sql) => sql`
      delete from tp_calls where key in (select key from tp_calls where resets < now() limit ${AT_ONCE})`,
    // After a day no statement can still be on its way that these are there to stop.
    (sql) => sql`
      delete from tp_taken where id in (
        select id from tp_taken where process is null and undone < now() - interval '1 day' limit ${AT_ONCE})`,
    (sql) => sql`
      delete from tp_use where (day, owner) in (
        select day, owner from tp_use where day < to_char(now() - ${KEPT_DAYS}::integer * interval '1 day', 'YYYY-MM-DD')
        limit ${AT_ONCE})`,
    (sql) => sql`
      delete from tp_outbox where id in (
        select id from tp_outbox where next is null and at < ${clock.now() / 1000 - GIVEN_UP_FOR}::float8 limit ${AT_ONCE})`,
    (sql) => sql`
      with old as (
        delete from tp_spans where stop < ${clock.now() / 1000 - SPANS_KEPT_FOR}::float8 returning id
      ), groups as (delete from tp_span_groups g using old where g.span = old.id)
      delete from tp_span_visitors v using old where v.span = old.id`,
    (sql) => sql`
      delete from tp_days where day in (select day from tp_days order by day desc offset ${KEPT_DAYS})`,
    (sql) => sql`
      delete from tp_facts where name in (select name from tp_facts order by set_at desc offset ${MAX_FACTS})`,
  ];

  const clean = async (): Promise<void> => {
    await heartbeat.sweep();
    await foldRest(slow, () => isStopped);
    for (const removal of removals) {
      for (;;) {
        const { count } = await database.try(removal);
        if (count < AT_ONCE || isStopped) break;
      }
    }
    await wordIndex.tidy();
  };
  const schedule = (): void => {
    if (isStopped) return;
    // Not all processes at once.
    timer = setTimeout(
      () => {
        cleaning = clean()
          .catch((thrown: unknown) => {
            logger.debug(
              { reason: reasonOf(thrown) },
              'the cleanup of the database failed; it is tried again',
            );
          })
          .finally(schedule);
      },
      tuning.cleanupMs * (0.5 + Math.random()),
    );
  };
  schedule();

  return {
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
      return cleaning;
    },
  };
};
