import { type UpstreamThread, type Visitor, visitorKey } from './model.ts';
import type { Transcript } from './store-port.ts';

/** Stands behind `madeBy`, so that every store keeps it: when the message came that the thread was made for. */
const SINCE = / since (\d+(?:\.\d+)?)$/;

/** The thread with the time of the message that it was made for, in seconds since 1970. */
export const stamped = (thread: UpstreamThread, since: number): UpstreamThread => ({
  ...thread,
  madeBy: `${thread.madeBy} since ${since}`,
});

/** The thread as its backend made it. */
export const unstamped = (thread: UpstreamThread): UpstreamThread => ({
  ...thread,
  madeBy: thread.madeBy.replace(SINCE, ''),
});

/** How many visitors' threads are known by heart; others are counted in the transcript. */
const MAX_KNOWN = 10_000;
/** How many exchanges are asked of the store at a time. */
const PAGE = 50;

/** How much visitors' threads hold at the upstream, in UTF-16 units of messages and answers. */
export interface ThreadSizes {
  /** @param lastSeen When the visitor's last exchange came: what was counted up to there still holds. */
  of(visitor: Visitor, thread: UpstreamThread, lastSeen: number | undefined): Promise<number>;
  /** Remembers a size, up to the exchange that came at `lastSeen`. */
  keep(visitor: Visitor, threadId: string, size: number, lastSeen: number): void;
}

/** @param seed The most of the transcript that a new thread is told, in UTF-16 units. */
export const createThreadSizes = (store: Pick<Transcript, 'recent'>, seed: number): ThreadSizes => {
  const known = new Map<string, { threadId: string; size: number; lastSeen: number }>();

  /** What came since the thread was made, and what of the time before it was told. */
  const count = async (visitor: Visitor, since: number): Promise<number> => {
    let held = 0;
    let told = 0;
    let before: string | undefined;
    for (;;) {
      const page = await store.recent(visitor, { limit: PAGE, ...(before === undefined ? {} : { before }) });
      for (const { user, bot, timestamp } of page) {
        const length = user.length + (bot?.length ?? 0);
        if (timestamp >= since) held += length;
        else if (bot && told + length > seed) return held + told;
        else if (bot) told += length;
      }
      before = page.at(-1)?.id;
      // Twice the seed is too much already.
      if (page.length < PAGE || held > 2 * seed) return held + told;
    }
  };

  return {
    of: async (visitor, thread, lastSeen) => {
      const one = known.get(visitorKey(visitor));
      if (one?.threadId === thread.id && one.lastSeen === lastSeen) return one.size;
      return count(visitor, Number(SINCE.exec(thread.madeBy)?.[1] ?? 0));
    },
    keep: (visitor, threadId, size, lastSeen) => {
      const key = visitorKey(visitor);
      known.delete(key);
      known.set(key, { threadId, size, lastSeen });
      if (known.size > MAX_KNOWN) known.delete(known.keys().next().value ?? '');
    },
  };
};
