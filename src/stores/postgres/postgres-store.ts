import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Logger } from '../../chat/ports.ts';
import type { FeedbackLog, Store } from '../../chat/store-port.ts';
import { logUnavailable } from '../../errors.ts';
import type { OpsStore } from '../../ops/ops-port.ts';
import { createAccepting } from './accepting.ts';
import { startCleanup } from './cleanup.ts';
import { readConnectionSettings } from './connection-settings.ts';
import { type Counts, createCounts } from './counts.ts';
import { connect } from './database.ts';
import { reasonOf } from './failures.ts';
import { createFinishing } from './finishing.ts';
import { startHeartbeat } from './heartbeat.ts';
import { createInFlight } from './in-flight.ts';
import { createOpsStore } from './ops/ops-store.ts';
import { createWordIndex } from './ops/word-index.ts';
import { createSessionFacts } from './session-facts.ts';
import { prepare } from './starting.ts';
import { createThreadsAndFacts } from './threads-and-facts.ts';
import { createTranscript } from './transcript.ts';
import { defaultTuning, type Tuning } from './tuning.ts';
import { createTurns } from './turns.ts';

export interface PostgresStoreDeps {
  /** `postgres://user:password@host:port/database?sslmode=…` */
  readonly url: string;
  /** The schema of our tables, where it is named; see {@link findSchema} for where it is not. */
  readonly schema?: string | undefined;
  /** Milliseconds that a database is waited for that is not there when the store is opened. */
  readonly wait: number;
  /** Messages of a visitor that may wait while another is answered. */
  readonly maxWaiting: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tuning?: Partial<Tuning>;
}

/** The store in a Postgres database, which any number of processes share. */
export interface PostgresStore extends Store, FeedbackLog, Pick<Counts, 'countCall'> {
  /** What operators need. */
  readonly ops: OpsStore;
}

/** Connections for what may take long: they are few, and opened when they are needed. */
const slowTuning = (tuning: Tuning): Tuning => ({
  ...tuning,
  connections: 2,
  isLong: true,
  statementMs: Math.max(tuning.statementMs, 60_000),
  silenceMs: Math.max(tuning.silenceMs, 70_000),
});

/** For connections of which those of the turns tell already what is wrong. */
const quietly = (logger: Logger): Logger => ({ ...logger, info: logger.debug, error: logger.debug });

/** Waits for `work`, but no longer than `ms`. @returns Whether it was done. */
const isDoneWithin = (ms: number, work: Promise<unknown>): Promise<boolean> =>
  Promise.race([
    work.then(
      () => true,
      () => false,
    ),
    sleep(ms, false, { ref: false }),
  ]);

/**
 * Opens the store in a Postgres database, and makes or updates its tables.
 * @throws Error that names the database, never its password, where it cannot be used, and one that says so where
 * its tables are those of a newer release.
 */
export const openPostgresStore = async (deps: PostgresStoreDeps): Promise<PostgresStore> => {
  const { clock, logger, maxWaiting, wait } = deps;
  const tuning = { ...defaultTuning, ...deps.tuning };
  const given = await readConnectionSettings(deps.url);
  const { settings, schema } = await prepare({ settings: given, schema: deps.schema, wait, tuning, logger });
  const database = connect({ settings, tuning, logger });
  const slow = connect({ settings, tuning: slowTuning(tuning), logger: quietly(logger) });
  const heartbeat = await startHeartbeat({ database, tuning, logger }).catch(async (thrown: unknown) => {
    await database.close(0);
    throw new Error(`The database ${settings.name} cannot be used: ${reasonOf(thrown)}`);
  });
  const turns = createTurns({ database, tuning });
  const threads = createThreadsAndFacts({ database, turns, writeAfterMs: tuning.writeAfterMs });
  const counts = createCounts({ database, clock });
  const finishing = createFinishing({ database, turns, threads, maxPendingBytes: tuning.maxPendingBytes });
  const accepting = createAccepting({ database, heartbeat, turns, threads, counts, maxWaiting });
  const wordIndex = createWordIndex({ database: slow });
  const cleanup = startCleanup({ database, slow, heartbeat, wordIndex, clock, tuning, logger });

  let closing: Promise<void> | undefined;
  const refuseClosed = (): void => {
    if (closing) throw logUnavailable({ cause: new Error('the store is closed') });
  };
  const close = async (): Promise<void> => {
    turns.close();
    void cleanup.stop();
    const isAll = await isDoneWithin(
      tuning.closeMs,
      finishing.idle().then(() => threads.flush()),
    );
    if (!isAll)
      logger.error({ count: finishing.waiting() }, 'closed with exchanges that could not be written');
    await isDoneWithin(isAll ? tuning.closeMs : 0, heartbeat.leave());
    await Promise.all([database.close(tuning.closeMs), slow.close(0)]);
  };

  return {
    countsOnAccept: true,
    async accept(message, day) {
      refuseClosed();
      return accepting.accept(message, day);
    },
    async finish(exchange) {
      refuseClosed();
      return finishing.finish(exchange);
    },
    ...createInFlight({ database, heartbeat, turns, threads }),
    ...createTranscript({ database, threads }),
    ...createSessionFacts({ database }),
    ops: createOpsStore({ database, slow, schema, wordIndex, threads, clock, logger }),
    countMessage: counts.countMessage,
    countCall: counts.countCall,
    thread: threads.thread,
    setThread: threads.setThread,
    fact: threads.fact,
    setFact: threads.setFact,
    load: () => ({ waiting: database.waiting() }),
    health() {
      const reason = closing ? 'the store is closed' : database.trouble();
      return reason === undefined ? { ok: true } : { ok: false, reason };
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
};
