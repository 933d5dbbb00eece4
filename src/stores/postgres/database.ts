import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../chat/ports.ts';
import { logUnavailable } from '../../errors.ts';
import { createGate } from './connection-queue.ts';
import type { Target } from './connection-settings.ts';
import { openDriver, type Sql } from './driver.ts';
import { asUnavailable, isFull, isOutage, isReadOnly, mayPass, reasonOf, sqlState } from './failures.ts';
import { createSockets } from './sockets.ts';
import type { Tuning } from './tuning.ts';

/** Attempts to reach a database that is gone, after which those in a hurry are told so without one of their own. */
const HOPE_TRIES = 4;

interface Asking {
  /** Waits for a connection as long as it takes. */
  readonly isPatient?: boolean;
  /** Waits for nobody: a sign of life, without which a busy process would be taken for dead. */
  readonly isSignOfLife?: boolean;
}

/** The database as the store's parts see it: statements go in, rows or failures come out. */
export interface Database {
  /**
   * Runs a statement as it is.
   * @throws AppError `log_unavailable` where it was not asked; else what the database or the network threw.
   */
  try<T>(statement: (sql: Sql) => PromiseLike<T>, asking?: Asking): Promise<T>;
  /**
   * Runs a statement for someone who waits.
   * @throws AppError `log_unavailable` whatever went wrong.
   */
  ask<T>(statement: (sql: Sql) => PromiseLike<T>): Promise<T>;
  /**
   * Runs a statement, which must do no harm twice, until it is done.
   * @throws AppError `log_unavailable` where it can never be done, or the store was closed first.
   */
  persist<T>(statement: (sql: Sql) => PromiseLike<T>): Promise<T>;
  /** Why nothing works at the moment; undefined where it does. */
  trouble(): string | undefined;
  /** Calls `look` when a connection was lost: whether the database is still there is worth a look. */
  onLost(look: () => void): void;
  /** Lets go of all connections; what runs is given up after `ms`. */
  close(ms: number): Promise<void>;
}

export const connect = (deps: { target: Target; tuning: Tuning; logger: Logger }): Database => {
  const { target, tuning, logger } = deps;
  let trouble: string | undefined;
  let troubleSince = 0;
  /** It does not even say what is wrong. */
  let isSilent = false;
  /** Reading works all the same, so that only what is written shows that it is over. */
  let isReadOnlyNow = false;
  let back: PromiseWithResolvers<void> | undefined;
  let isClosed = false;
  let look: (() => void) | undefined;
  // Not at once: others of the driver's connections may be closing in this very turn of the event loop, which it
  // would take for open, and what it is given for them then spoils the next ones.
  const onLost = (): void => {
    setTimeout(() => look?.(), 1);
  };
  const sockets = createSockets({ target, ...tuning, onLost });
  const driver = openDriver({ target, tuning, socket: () => sockets.open() });
  const gate = createGate({ places: tuning.connections, ...tuning });

  const worked = (isWritten: boolean): void => {
    if (trouble === undefined || (isReadOnlyNow && !isWritten)) return;
    logger.info({ database: target.name }, 'the database is back');
    trouble = undefined;
    isReadOnlyNow = false;
    back?.resolve();
    back = undefined;
  };
  const failed = (thrown: unknown): void => {
    if (!isOutage(thrown) || isClosed) return;
    const reason = reasonOf(thrown);
    if (trouble === undefined) logger.error({ database: target.name, reason }, 'the database cannot be used');
    if (trouble === undefined) troubleSince = performance.now();
    trouble = reason;
    isSilent = sqlState(thrown) === undefined;
    isReadOnlyNow = isReadOnly(thrown);
    back ??= Promise.withResolvers();
  };
  /** Whether those in a hurry need not try themselves: someone else looks, and has found nothing for a while. */
  const isHopeless = (): boolean =>
    look !== undefined &&
    trouble !== undefined &&
    isSilent &&
    performance.now() - troubleSince > HOPE_TRIES * tuning.retryMs;
  const closed = () => logUnavailable({ cause: new Error('the store is closed') });

  /** Asks over the connections that there are where no more can be made: one of them is free soon. */
  const use: typeof driver.use = async (statement) => {
    const giveUpAt = performance.now() + tuning.queueMs;
    for (;;) {
      try {
        return await driver.use(statement);
      } catch (thrown) {
        if (!isFull(thrown) || isClosed || performance.now() > giveUpAt) throw thrown;
      }
      await sleep(tuning.retryMs * Math.random());
    }
  };

  const attempt: Database['try'] = async (statement, { isPatient = false, isSignOfLife = false } = {}) => {
    if (isClosed) throw closed();
    if (!isSignOfLife) await gate.enter(isPatient);
    try {
      if (isClosed) throw closed();
      const result = await use(statement);
      // A sign of life is written.
      worked(isSignOfLife);
      return result;
    } catch (thrown) {
      failed(thrown);
      // As above: whoever tries again does so in another turn of the loop.
      await sleep(1);
      throw thrown;
    } finally {
      if (!isSignOfLife) gate.leave(isPatient);
    }
  };

  return {
    try: attempt,
    ask: async (statement) => {
      if (isHopeless()) throw logUnavailable({ cause: new Error(trouble) });
      return attempt(statement).catch((thrown: unknown) => {
        throw asUnavailable(thrown);
      });
    },
    persist: async (statement) => {
      for (;;) {
        try {
          return await attempt(statement, { isPatient: true });
        } catch (thrown) {
          if (!mayPass(thrown)) throw asUnavailable(thrown);
        }
        await back?.promise;
        await sleep(tuning.retryMs * (0.5 + Math.random() / 2));
      }
    },
    trouble: () => trouble,
    onLost: (listener) => {
      look = listener;
    },
    close: async (ms) => {
      isClosed = true;
      back?.resolve();
      // The driver would wait for statements that it has given up long ago.
      await Promise.race([gate.idle(), sleep(ms, undefined, { ref: false })]);
      await driver.end();
      await sockets.destroy();
    },
  };
};
