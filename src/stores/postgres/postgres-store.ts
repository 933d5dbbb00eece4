import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Logger } from '../../chat/ports.ts';
import type { Store } from '../../chat/store-port.ts';
import { logUnavailable } from '../../errors.ts';
import { createTaking } from './accepting.ts';
import { startTidying } from './cleanup.ts';
import { readTarget } from './connection-settings.ts';
import { type Counts, createCounts } from './counts.ts';
import { connect } from './database.ts';
import { reasonOf } from './failures.ts';
import { createFinishing } from './finishing.ts';
import { openPresence } from './heartbeat.ts';
import { createHeld } from './in-flight.ts';
import { createOpsLog, type OpsLog } from './log.ts';
import { createSessionFacts } from './session-facts.ts';
import { prepare } from './starting.ts';
import { createNotes } from './threads-and-facts.ts';
import { createTranscript } from './transcript.ts';
import { defaultTuning, type Tuning } from './tuning.ts';
import { createTurns } from './turns.ts';

export interface PostgresStoreDeps {
  /** `postgres://user:password@host:port/database?sslmode=…` */
  readonly url: string;
  /** Milliseconds that a database is waited for that is not there when the store is opened. */
  readonly wait: number;
  /** Messages of a visitor that may wait while another is answered. */
  readonly maxWaiting: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tuning?: Partial<Tuning>;
}

/** The store in a Postgres database, which any number of processes share. */
export interface PostgresStore extends Store, Pick<Counts, 'countCall'>, OpsLog {}

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
 * Opens the store in a Postgres database, and makes or renews its tables.
 * @throws Error that names the database, never its password, where it cannot be used, and one that says so where
 * its tables are those of a newer release.
 */
export const openPostgresStore = async (deps: PostgresStoreDeps): Promise<PostgresStore> => {
  const { clock, logger, maxWaiting } = deps;
  const tuning = { ...defaultTuning, ...deps.tuning };
  const target = await readTarget(deps.url);
  await prepare({ target, wait: deps.wait, tuning, logger });
  const database = connect({ target, tuning, logger });
  const presence = await openPresence({ database, tuning, logger }).catch(async (thrown: unknown) => {
    await database.close(0);
    throw new Error(`The database ${target.name} cannot be used: ${reasonOf(thrown)}`);
  });
  const turns = createTurns({ database, tuning });
  const notes = createNotes({ database, turns, noteMs: tuning.noteMs });
  const finishing = createFinishing({ database, turns, notes, maxPendingBytes: tuning.maxPendingBytes });
  const taking = createTaking({ database, presence, turns, maxWaiting });
  const tidying = startTidying({ database, presence, clock, tuning, logger });

  let closing: Promise<void> | undefined;
  const refuseClosed = (): void => {
    if (closing) throw logUnavailable({ cause: new Error('the store is closed') });
  };
  const close = async (): Promise<void> => {
    turns.close();
    void tidying.stop();
    const isAll = await isDoneWithin(
      tuning.closeMs,
      finishing.idle().then(() => notes.flush()),
    );
    if (!isAll)
      logger.error({ count: finishing.waiting() }, 'closed with exchanges that could not be written');
    await isDoneWithin(isAll ? tuning.closeMs : 0, presence.leave());
    await database.close(tuning.closeMs);
  };

  return {
    async accept(message) {
      refuseClosed();
      return taking.accept(message);
    },
    async finish(exchange) {
      refuseClosed();
      return finishing.finish(exchange);
    },
    ...createHeld({ database, presence, turns, notes }),
    ...createTranscript({ database, notes }),
    ...createSessionFacts({ database }),
    ...createCounts({ database, clock }),
    ...createOpsLog({ database }),
    thread: notes.thread,
    setThread: notes.setThread,
    fact: notes.fact,
    setFact: notes.setFact,
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
