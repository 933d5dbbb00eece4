import type { Env } from 'hono';
import type { Store } from 'hono-rate-limiter';

interface Window {
  totalHits: number;
  readonly resetTime: Date;
}

/**
 * Where hono-rate-limiter keeps its counts: in memory, at most `maxKeys` of them, so that an attacker with many
 * addresses cannot fill it. When it is full the windows that began first go first; those have the least left to run.
 * @param options.windowMs Length of a window; absent: what hono-rate-limiter says.
 */
export const boundedCounts = <E extends Env>(options: { maxKeys: number; windowMs?: number }): Store<E> => {
  const { maxKeys } = options;
  /** In the order in which windows began, so that the oldest is the first key. */
  const windows = new Map<string, Window>();
  let windowMs = options.windowMs ?? 0;

  const begin = (key: string, now: number): Window => {
    for (const [oldest, window] of windows) {
      if (windows.size < maxKeys && window.resetTime.getTime() > now) break;
      windows.delete(oldest);
    }
    const window = { totalHits: 0, resetTime: new Date(now + windowMs) };
    windows.set(key, window);
    return window;
  };

  return {
    init: (given) => {
      windowMs = given.windowMs;
    },
    increment: (key) => {
      const now = Date.now();
      let window = windows.get(key);
      const left = window ? window.resetTime.getTime() - now : 0;
      // More than a window is left where the clock was set back: nobody is locked out for that.
      if (!window || left <= 0 || left > windowMs) {
        windows.delete(key);
        window = begin(key, now);
      }
      window.totalHits += 1;
      return { ...window };
    },
    decrement: (key) => {
      const window = windows.get(key);
      if (window && window.totalHits > 0) window.totalHits -= 1;
    },
    resetKey: (key) => {
      windows.delete(key);
    },
  };
};
