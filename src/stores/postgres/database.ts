import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../chat/ports.ts';
import { logUnavailable } from '../../errors.ts';
import { createConnectionQueue } from './connection-queue.ts';
import type { ConnectionSettings } from './connection-settings.ts';
import { openDriver, type Sql, type TransactionMode } from './driver.ts';
import { asUnavailable, isFull, isOutage, isReadOnly, mayPass, reasonOf, sqlState } from './failures.ts';
import { createSockets } from './sockets.ts';
import type { Tuning } from './tuning.ts';

/** Attempts to reach a lost database after which callers in a hurry are refused without an attempt of their own. */
const HOPE_TRIES = 4;

interface Waiting {
  /** Waits for a connection as long as it takes. */
  readonly isPatient?: boolean;
  /** Does not queue: without its heartbeat a busy process would be declared dead. */
  readonly isHeartbeat?: boolean;
}

/** The database as the store's parts see it: statements go in, rows or failures come out. */
export interface Database {
  /**
   * Runs one statement, once.
   * @throws AppError `log_unavailable` where it was not sent; else what the database or the network threw.
   */
  try<T>(statement: (sql: Sql) => PromiseLike<T>, waiting?: Waiting): Promise<T>;
  /**
   * Runs several statements in one transaction, once.
   * @throws As `try`.
   */
  transaction<T>(work: (sql: Sql) => Promise<T>, mode?: TransactionMode): Promise<T>;
  /**
   * Runs a statement for someone who waits.
   * @throws AppError `log_unavailable` whatever went wrong.
   */
  ask<T>(statement: (sql: Sql) => PromiseLike<T>): Promise<T>;
  /**
   * Repeats a statement, which must be safe to repeat, until it succeeds.
   * @throws AppError `log_unavailable` where it can never succeed, or the store was closed first.
   */
  persist<T>(statement: (sql: Sql) => PromiseLike<T>): Promise<T>;
  /**
   * Runs a statement that no transaction may hold, such as a vacuum. It must name its tables with their schema.
   * @throws AppError `log_unavailable`
   */
  maintain(statement: string): Promise<void>;
  /** Statements that wait for a connection. */
  waiting(): number;
  /** Why nothing works at the moment; undefined where it does. */
  trouble(): string | undefined;
  /** Calls `listener` when a connection was lost, so that it can check whether the database is still there. */
  onLost(listener: () => void): void;
  /** Closes all connections; statements in progress are given up after `ms`. */
  close(ms: number): Promise<void>;
}

export const connect = (deps: { settings: ConnectionSettings; tuning: Tuning; logger: Logger }): Database => {
  const { settings, tuning, logger } = deps;
  let trouble: string | undefined;
  let troubleSince = 0;
  /** It gives no answer at all, not even an error. */
  let isSilent = false;
  /** Reads still work, so that only a successful write shows that it is over. */
  let isReadOnlyNow = false;
  let back: PromiseWithResolvers<void> | undefined;
  let isClosed = false;
  let lostListener: (() => void) | undefined;
  // Not at once: more of the driver's connections may be closing in this turn of the event loop. The driver would take
  // them for open, and what it is given for them breaks the connections that follow.
  const onLost = (): void => {
    setTimeout(() => lostListener?.(), 1);
  };
  const sockets = createSockets({ settings, ...tuning, onLost });
  const driver = openDriver({ settings, tuning, socket: () => sockets.open() });
  const queue = createConnectionQueue(tuning);

  const worked = (isWritten: boolean): void => {
    if (trouble === undefined || (isReadOnlyNow && !isWritten)) return;
    logger.info({ database: settings.name }, 'the database is back');
    trouble = undefined;
    isReadOnlyNow = false;
    back?.resolve();
    back = undefined;
  };
  const failed = (thrown: unknown): void => {
    if (!isOutage(thrown) || isClosed) return;
    const reason = reasonOf(thrown);
    if (trouble === undefined) {
      logger.error({ database: settings.name, reason }, 'the database cannot be used');
      troubleSince = performance.now();
    }
    trouble = reason;
    isSilent = sqlState(thrown) === undefined;
    isReadOnlyNow = isReadOnly(thrown);
    back ??= Promise.withResolvers();
  };
  /** Whether callers in a hurry need not try: the heartbeat does, and has failed for a while. */
  const isHopeless = (): boolean =>
    lostListener !== undefined &&
    trouble !== undefined &&
    isSilent &&
    performance.now() - troubleSince > HOPE_TRIES * tuning.retryMs;
  const closed = () => logUnavailable({ cause: new Error('the store is closed') });

  /** Retries on an existing connection where Postgres has no free slots: one of them is free soon. */
  const whileFull = async <T>(use: () => Promise<T>): Promise<T> => {
    const giveUpAt = performance.now() + tuning.queueMs;
    for (;;) {
      try {
        return await use();
      } catch (thrown) {
        if (!isFull(thrown) || isClosed || performance.now() > giveUpAt) throw thrown;
      }
      await sleep(tuning.retryMs * Math.random());
    }
  };

  const attempt = async <T>(
    use: () => Promise<T>,
    { isPatient = false, isHeartbeat = false }: Waiting = {},
  ): Promise<T> => {
    if (isClosed) throw closed();
    if (!isHeartbeat) await queue.enter(isPatient);
    try {
      if (isClosed) throw closed();
      const result = await whileFull(use);
      // A heartbeat is a write.
      worked(isHeartbeat);
      return result;
    } catch (thrown) {
      failed(thrown);
      // As in onLost: whoever tries again does so in another turn of the event loop.
      await sleep(1);
      throw thrown;
    } finally {
      if (!isHeartbeat) queue.leave(isPatient);
    }
  };

  return {
    try: (statement, waiting) => attempt(() => driver.use(statement), waiting),
    transaction: (work, mode = '') => attempt(() => driver.transaction(work, mode)),
    ask: async (statement) => {
      if (isHopeless()) throw logUnavailable({ cause: new Error(trouble) });
      return attempt(() => driver.use(statement)).catch((thrown: unknown) => {
        throw asUnavailable(thrown);
      });
    },
    persist: async (statement) => {
      for (;;) {
        try {
          return await attempt(() => driver.use(statement), { isPatient: true });
        } catch (thrown) {
          if (!mayPass(thrown)) throw asUnavailable(thrown);
        }
        await back?.promise;
        await sleep(tuning.retryMs * (0.5 + Math.random() / 2));
      }
    },
    maintain: (statement) =>
      attempt(() => driver.maintain(statement)).catch((thrown: unknown) => {
        throw asUnavailable(thrown);
      }),
    waiting: queue.waiting,
    trouble: () => trouble,
    onLost: (listener) => {
      lostListener = listener;
    },
    close: async (ms) => {
      isClosed = true;
      back?.resolve();
      // The driver would also wait for statements that it has given up.
      await Promise.race([queue.idle(), sleep(ms, undefined, { ref: false })]);
      await driver.end();
      await sockets.destroy();
    },
  };
};
