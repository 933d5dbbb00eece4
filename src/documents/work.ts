import type { Clock } from '../chat/ports.ts';
import type { TakeResult } from './library.ts';

/** Reasons that are kept of what could not be read. */
const MAX_REASONS = 100;

/** What is being read in the background, or was last. */
export interface Work {
  /** The address, or `refresh`. */
  readonly what: string;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly counts: Readonly<Record<TakeResult['type'], number>>;
  readonly unreadable: readonly { readonly location: string; readonly reason: string }[];
  /** Why it could not be done at all. */
  readonly failure?: string;
}

/** Reads sites and folders in the background, one after another. */
export interface Worklist {
  /** Starts it, after what is there already. @returns Whether there was room. */
  start(what: string, results: () => AsyncIterable<TakeResult>): boolean;
  /** What is waiting, being done and was last done, newest first. */
  list(): readonly Work[];
  /** Resolves when nothing is left to do. */
  idle(): Promise<void>;
}

const MAX_WAITING = 10;
const KEPT = 20;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** @param isStopping Whether what is being done is to end soon. */
export const createWorklist = (clock: Clock, isStopping: () => boolean): Worklist => {
  const works: Mutable<Work>[] = [];
  let last: Promise<void> = Promise.resolve();

  const run = async (work: Mutable<Work>, results: () => AsyncIterable<TakeResult>): Promise<void> => {
    const counts = { added: 0, changed: 0, unchanged: 0, removed: 0, skipped: 0, unreadable: 0 };
    work.counts = counts;
    const unreadable: { location: string; reason: string }[] = [];
    work.unreadable = unreadable;
    try {
      if (isStopping()) return;
      for await (const result of results()) {
        counts[result.type] += 1;
        if (result.type === 'unreadable' && unreadable.length < MAX_REASONS) {
          unreadable.push({ location: result.location, reason: result.reason });
        }
        if (isStopping()) return;
      }
    } catch (thrown) {
      work.failure = thrown instanceof Error ? thrown.message : String(thrown);
    } finally {
      work.endedAt = clock.now() / 1000;
    }
  };

  return {
    start: (what, results) => {
      if (works.filter(({ endedAt }) => endedAt === undefined).length >= MAX_WAITING) return false;
      const none = { added: 0, changed: 0, unchanged: 0, removed: 0, skipped: 0, unreadable: 0 };
      const work: Mutable<Work> = { what, startedAt: clock.now() / 1000, counts: none, unreadable: [] };
      works.unshift(work);
      works.length = Math.min(works.length, KEPT);
      last = last.then(() => run(work, results));
      return true;
    },
    list: () => works,
    idle: () => last,
  };
};
