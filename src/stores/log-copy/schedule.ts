import type { Logger } from '../../chat/ports.ts';
import type { Tuning } from '../sqlite/tuning.ts';

/** When conversations.json is written: one write at a time, soon after a change, at a rest that grows with the file. */
export interface CopySchedule {
  /** Something changed that the file should hold. */
  changed(): void;
  /** Whether the file lacks something. */
  isDue(): boolean;
  /** How long the last writing took, in milliseconds; undefined: there was none. */
  tookMs(): number | undefined;
  /** Writes a file that holds all that is known now. @throws What writing throws. */
  now(): Promise<void>;
  /** Writes no more by itself; waits for the one that is being written. */
  stop(): Promise<void>;
}

/** @param deps.isLarge Whether the file counts as large now. */
export const createCopySchedule = (deps: {
  write: () => Promise<void>;
  isLarge: () => boolean;
  tuning: Tuning;
  logger: Logger;
}): CopySchedule => {
  const { write, isLarge, tuning, logger } = deps;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let due = false;
  let failures = 0;
  let stopped = false;
  let endedAt = Number.NEGATIVE_INFINITY;
  let tookMs: number | undefined;

  const run = async (): Promise<void> => {
    due = false;
    const began = performance.now();
    try {
      await write();
      tookMs = performance.now() - began;
      if (failures > 0) logger.info({}, 'conversations.json can be written again');
      failures = 0;
    } catch (error) {
      due = true;
      // The database has everything.
      if (failures === 0) logger.warn({ err: error }, 'conversations.json not written; retrying');
      failures++;
      throw error;
    } finally {
      endedAt = performance.now();
    }
  };

  const start = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    running = run().finally(() => {
      running = undefined;
      if (due) schedule();
    });
    return running;
  };

  const rest = (): number => {
    const large = isLarge() && tookMs !== undefined ? tookMs * tuning.restFactor : tuning.smallWaitMs;
    // Half a file may fill the disk under the database: not too often.
    return failures === 0 ? large : Math.max(large, tuning.smallWaitMs * 2 ** Math.min(failures, 5));
  };

  const schedule = (): void => {
    if (stopped || timer || running) return;
    const ms = rest();
    // After a quiet time there is no need to rest, only to gather what comes together.
    const wait = Math.max(endedAt + ms - performance.now(), Math.min(ms, tuning.smallWaitMs) / 10);
    timer = setTimeout(() => {
      start().catch(() => undefined);
    }, wait);
    timer.unref();
  };

  return {
    changed() {
      due = true;
      schedule();
    },
    isDue: () => due || running !== undefined,
    tookMs: () => tookMs,
    async now() {
      while (running) await running.catch(() => undefined);
      await start();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      timer = undefined;
      await running?.catch(() => undefined);
    },
  };
};
