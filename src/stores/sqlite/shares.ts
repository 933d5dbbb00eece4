import type { GroupCommit } from '../../sqlite/group-commit.ts';
import type { Call } from '../../sqlite/protocol.ts';

/** Sharers that are counted at a time; beyond, those who came first are forgotten. */
const MAX_KEYS = 100_000;

/** Counts the messages of a day that one address, or one verified visitor, has sent. */
export interface Shares {
  /** @param key `YYYY-MM-DD` and whose share it is. */
  increment(key: string): { totalHits: number };
  decrement(key: string): void;
}

/**
 * Counts in memory, and on the disk with the message that is counted: a restart gives nobody a share again.
 * @param deps.counts Those that were kept.
 */
export const createShares = (deps: {
  counts: Map<string, number>;
  writer: GroupCommit;
  callOf: (name: string, input: unknown) => Call;
}): Shares => {
  const { counts, writer, callOf } = deps;
  let today = '';

  const add = (key: string, by: 1 | -1): number => {
    const day = key.slice(0, 10);
    if (day > today) {
      today = day;
      for (const other of counts.keys()) if (other < day) counts.delete(other);
    }
    const known = counts.get(key);
    if (known === undefined && counts.size >= MAX_KEYS) {
      for (const oldest of counts.keys()) {
        counts.delete(oldest);
        break;
      }
    }
    const count = Math.max(0, (known ?? 0) + by);
    counts.set(key, count);
    const call = callOf('setShare', { key, count });
    writer.write(call, { urgency: 'lazy', replaces: `share ${key}` }).catch(() => undefined);
    return count;
  };

  return {
    increment: (key) => ({ totalHits: add(key, 1) }),
    decrement: (key) => void add(key, -1),
  };
};
