import { boundedCounts } from './bounded-counts.ts';
import type { ShareCounts } from './daily-budget.ts';

const DAY_MS = 86_400_000;
/** Addresses, and visitors, whose shares are counted at a time. */
const MAX_KEYS = 100_000;

/**
 * Counts the shares of a day in memory, from the start of the process on. A store that many processes share counts them
 * itself, with the messages.
 */
export const createShareCounts = (): ShareCounts => boundedCounts({ maxKeys: MAX_KEYS, windowMs: DAY_MS });
