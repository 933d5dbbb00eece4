import { threadBusy } from '../errors.ts';

/** A position in a thread's queue. */
export interface QueueSlot {
  /** Whether others are in front. */
  readonly waits: boolean;
  /** Resolves when it is this message's turn. */
  readonly turn: Promise<void>;
  /** Gives the position up, whether its turn came or not: the next may run. Later calls do nothing. */
  leave(): void;
}

/** One run at a time per thread, in order of arrival, with a bounded wait. */
export interface ThreadQueue {
  /**
   * Takes the next position in a thread's queue.
   * @throws AppError `thread_busy` where as many wait already as may.
   */
  enter(thread: string): QueueSlot;
}

/** @param limits.maxWaiting How many messages may wait for one thread beside the one that runs. */
export const createThreadQueue = (limits: { maxWaiting: number }): ThreadQueue => {
  /** Threads with a run, each with the starters of those who wait for it. */
  const threads = new Map<string, (() => void)[]>();

  return {
    enter: (thread) => {
      const { promise: turn, resolve: start } = Promise.withResolvers<void>();
      const ahead = threads.get(thread);
      const waits = ahead !== undefined;
      if (!ahead) {
        threads.set(thread, []);
        start();
      } else if (ahead.length < limits.maxWaiting) ahead.push(start);
      else throw threadBusy();

      let left = false;
      const leave = (): void => {
        if (left) return;
        left = true;
        const waiting = threads.get(thread) ?? [];
        const index = waiting.indexOf(start);
        if (index >= 0) waiting.splice(index, 1);
        else {
          const next = waiting.shift();
          if (next) next();
          else threads.delete(thread);
        }
      };
      return { waits, turn, leave };
    },
  };
};
