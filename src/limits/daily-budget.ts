import { budgetSpent } from '../errors.ts';

const DAY_MS = 86_400_000;
/** The part of the budget after which the owner is warned. */
const WARN_AT = 0.8;
/** How long a budget that is spent is not asked for again, in milliseconds. */
const RECHECK_MS = 60_000;

/** Counts messages by key; a key is of one day. */
export interface ShareCounts {
  increment(key: string): Promise<{ totalHits: number }> | { totalHits: number };
  decrement(key: string): Promise<void> | void;
}

interface DailyBudgetDeps {
  /** Messages a day for the whole site; null: no bound. */
  readonly limit: number | null;
  /** Messages a day for one address, or one verified visitor; null: no bound. */
  readonly shareLimit: number | null;
  readonly shares: ShareCounts;
  /** Adds to a day's count and gives the new count; survives a restart. */
  readonly countMessage: (day: string, by: 1 | -1) => Promise<number>;
  readonly clock: { now(): number };
  readonly logger: { warn(fields: object, message: string): void };
}

/**
 * Bounds the messages by day (UTC): those of the whole site, and the share of each address or verified visitor, so that
 * nobody alone can spend the day of all. It warns once at 80 % and once when the day's are gone.
 */
export const createDailyBudget = (deps: DailyBudgetDeps) => {
  const { limit, shareLimit, shares, countMessage, clock, logger } = deps;
  /** Until when the site's budget is known to be spent: refusals need not be counted. */
  let spentUntil = 0;
  let warnedOf = '';

  const spent = () => budgetSpent({ retryAfter: Math.ceil((DAY_MS - (clock.now() % DAY_MS)) / 1000) });

  /** @returns Gives it back. */
  const takeShare = async (key: string): Promise<() => Promise<void>> => {
    if (shareLimit === null) return async () => {};
    const { totalHits } = await shares.increment(key);
    if (totalHits > shareLimit) throw spent();
    return async () => shares.decrement(key);
  };

  /** @returns Gives it back. */
  const takeOfSite = async (day: string): Promise<() => Promise<void>> => {
    if (limit === null) return async () => {};
    if (clock.now() < spentUntil) throw spent();
    const count = await countMessage(day, 1);
    const giveBack = async (): Promise<void> => {
      await countMessage(day, -1);
      spentUntil = 0;
    };
    if (count === Math.ceil(limit * WARN_AT))
      logger.warn({ count, limit }, '80 % of DAILY_MESSAGES are used');
    if (count <= limit) return giveBack;
    // What is refused is not counted, so that what others give back can be used.
    await giveBack();
    spentUntil = Math.min(clock.now() + RECHECK_MS, Date.parse(day) + DAY_MS);
    if (warnedOf !== day)
      logger.warn({ limit }, 'DAILY_MESSAGES are used up: visitors are refused until tomorrow (UTC)');
    warnedOf = day;
    throw spent();
  };

  /**
   * Takes one message of the day.
   * @param sharer Whose share it is of.
   * @returns Gives it back, to the day that it was taken of: for a message that is then refused.
   * @throws AppError `budget_spent`; Retry-After: the seconds until the next day.
   */
  const take = async (sharer: string): Promise<() => Promise<void>> => {
    const day = new Date(clock.now()).toISOString().slice(0, 10);
    const giveShareBack = await takeShare(`${day} ${sharer}`);
    try {
      const giveBack = await takeOfSite(day);
      return async () => {
        await giveShareBack();
        await giveBack();
      };
    } catch (thrown) {
      await giveShareBack();
      throw thrown;
    }
  };

  return { take };
};
