import type { Env } from 'hono';
import type { Store } from 'hono-rate-limiter';

/** A window's calls as all processes together have counted them. */
export interface SharedWindow {
  readonly count: number;
  /** When the window ends: milliseconds since 1970, by our own clock. */
  readonly resetsAt: number;
}

/** Counts a call in the window of its key, atomically among all processes; begins one where none runs. */
export type CountCall = (key: string, windowMs: number) => Promise<SharedWindow>;

/**
 * Where hono-rate-limiter keeps its counts when many processes serve one site: in the database, and those who are
 * known to be over in memory, too, so that an attacker who goes on calling costs the database nothing.
 * @param deps.bucket Keeps the counts of one limit apart from those of others.
 * @param deps.limit Calls that a window holds.
 * @param deps.maxKeys Callers who are known to be over; beyond, the oldest are asked for again.
 */
export const sharedCounts = <E extends Env>(deps: {
  bucket: string;
  limit: number;
  maxKeys: number;
  countCall: CountCall;
}): Store<E> => {
  /** When the windows end of those who are over: milliseconds since 1970, by our own clock. */
  const over = new Map<string, number>();
  let windowMs = 0;

  const remember = (key: string, until: number): void => {
    for (const oldest of over.keys()) {
      if (over.size < deps.maxKeys) break;
      over.delete(oldest);
    }
    over.set(key, until);
  };

  return {
    init: (options) => {
      windowMs = options.windowMs;
    },
    increment: async (key) => {
      const now = Date.now();
      const until = over.get(key);
      // More than a window is left where the clock was set back.
      if (until !== undefined && until > now && until <= now + windowMs) {
        return { totalHits: deps.limit + 1, resetTime: new Date(until) };
      }
      over.delete(key);
      const { count, resetsAt } = await deps.countCall(`${deps.bucket}:${key}`, windowMs);
      if (count > deps.limit) remember(key, resetsAt);
      return { totalHits: count, resetTime: new Date(resetsAt) };
    },
    // The middleware takes calls back only where it is told to, which nobody does here.
    decrement: () => {},
    resetKey: (key) => {
      over.delete(key);
    },
  };
};
