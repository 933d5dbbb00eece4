import { boundedCounts } from './bounded-counts.ts';
import type { ShareCounts } from './daily-budget.ts';
import type { CountCall } from './shared-counts.ts';

const DAY_MS = 86_400_000;
/** Addresses, and visitors, whose shares are counted at a time. */
const MAX_KEYS = 100_000;

/**
 * Counts the shares of a day: in the store where many processes serve one site, else in memory, from the start of the
 * process on.
 */
export const createShareCounts = (countCall: CountCall | undefined): ShareCounts => {
  if (!countCall) return boundedCounts({ maxKeys: MAX_KEYS, windowMs: DAY_MS });
  return {
    increment: async (key) => ({ totalHits: (await countCall(`share:${key}`, DAY_MS)).count }),
    // The store's windows cannot count down: a share is smaller by what was refused after it was counted.
    decrement: () => {},
  };
};
