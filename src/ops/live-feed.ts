/** Tells the pages that are open that there is something new. */
export interface LiveFeed {
  /** Something was recorded in this process. */
  changed(): void;
  /** @returns Stops that. */
  subscribe(listener: () => void): () => void;
  /** Ends every stream. */
  stop(): void;
  /** Calls `end` when the feed stops. @returns Stops that. */
  onStop(end: () => void): () => void;
}

/** How often what other processes have recorded is looked for, in milliseconds, while somebody looks. */
const LOOK_MS = 3_000;

/**
 * @param newest Names the newest exchange; undefined where there is none, or it cannot be asked now. Absent where this
 *   process records all there is.
 */
export const createLiveFeed = (newest?: () => Promise<string | undefined>): LiveFeed => {
  const listeners = new Set<() => void>();
  const ends = new Set<() => void>();
  let timer: NodeJS.Timeout | undefined;
  let seen: string | undefined;
  let isStopped = false;

  const changed = (): void => {
    for (const listener of listeners) listener();
  };
  const look = async (): Promise<void> => {
    const found = await newest?.();
    if (found !== undefined && seen !== undefined && found !== seen) changed();
    seen = found ?? seen;
  };

  return {
    changed,
    subscribe: (listener) => {
      if (isStopped) return () => undefined;
      listeners.add(listener);
      if (newest) timer ??= setInterval(() => look().catch(() => undefined), LOOK_MS).unref();
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        clearInterval(timer);
        timer = undefined;
        seen = undefined;
      };
    },
    onStop: (end) => {
      if (isStopped) end();
      else ends.add(end);
      return () => void ends.delete(end);
    },
    stop: () => {
      isStopped = true;
      clearInterval(timer);
      for (const end of ends) end();
      ends.clear();
      listeners.clear();
    },
  };
};
