import { type AppError, budgetSpent } from '../errors.ts';

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
  /** Undefined where the store counts them as it accepts. */
  readonly shares: ShareCounts | undefined;
  /** A name for a sharer that tells nobody who it is: addresses are not kept. */
  readonly opaque: (sharer: string) => string;
  /** Adds to a day's count and gives the new count; survives a restart. */
  readonly countMessage: (day: string, by: 1 | -1) => Promise<number>;
  readonly clock: { now(): number };
  readonly logger: { warn(fields: object, message: string): void };
}

type GiveBack = () => Promise<void>;
const nothing: GiveBack = async () => {};

/**
 * Bounds the messages by day (UTC): those of the whole site, and the share of each address or verified visitor, so that
 * nobody alone can spend the day of all. It warns once at 80 % and once when the day's are used up.
 */
export const createDailyBudget = (deps: DailyBudgetDeps) => {
  const { limit, shareLimit, shares, opaque, countMessage, clock, logger } = deps;
  /** Until when the site's budget is known to be spent: refusals need not be counted. */
  let spentUntil = 0;
  let warnedOf = '';
  const today = (): string => new Date(clock.now()).toISOString().slice(0, 10);

  /** Retry-After: the seconds until the next day. */
  const refusal = () => budgetSpent({ retryAfter: Math.ceil((DAY_MS - (clock.now() % DAY_MS)) / 1000) });

  const counted = (count: number): void => {
    if (limit !== null && count === Math.ceil(limit * WARN_AT))
      logger.warn({ count, limit }, '80 % of DAILY_MESSAGES are used');
  };
  const spent = (of: 'site' | 'share'): AppError => {
    if (of === 'share') return refusal();
    const day = today();
    spentUntil = Math.min(clock.now() + RECHECK_MS, Date.parse(day) + DAY_MS);
    if (warnedOf !== day)
      logger.warn({ limit }, 'DAILY_MESSAGES are used up: visitors are refused until tomorrow (UTC)');
    warnedOf = day;
    return refusal();
  };

  const takeShare = async (key: string): Promise<GiveBack> => {
    if (shareLimit === null || !shares) return nothing;
    const { totalHits } = await shares.increment(key);
    if (totalHits > shareLimit) throw refusal();
    return async () => shares.decrement(key);
  };

  const takeOfSite = async (day: string): Promise<GiveBack> => {
    const count = await countMessage(day, 1);
    const giveBack = async (): Promise<void> => {
      await countMessage(day, -1);
      spentUntil = 0;
    };
    if (limit === null || count <= limit) {
      counted(count);
      return giveBack;
    }
    // What is refused is not counted, so that what others give back can be used.
    await giveBack();
    throw spent('site');
  };

  return {
    counted,
    spent,
    /**
     * Takes one message of the day.
     * @param of.sharer Whose share it is of.
     * @param of.isCountedByStore The store counts messages, by `day` of the result.
     * @throws AppError `budget_spent`
     */
    take: async (of: { sharer: string; isCountedByStore: boolean }) => {
      const day = today();
      if (limit !== null && clock.now() < spentUntil) throw refusal();
      const share = shareLimit === null ? '' : `${day} ${opaque(of.sharer)}`;
      if (of.isCountedByStore) {
        const shared = shareLimit === null ? {} : { share: { key: share, limit: shareLimit } };
        const isFree = limit === null && shareLimit === null;
        return { day: isFree ? undefined : { day, limit, ...shared }, giveBack: nothing };
      }
      const giveShareBack = await takeShare(share);
      if (limit === null) return { day: undefined, giveBack: giveShareBack };
      try {
        const giveBack = await takeOfSite(day);
        return {
          day: undefined,
          giveBack: async () => void (await Promise.all([giveShareBack(), giveBack()])),
        };
      } catch (thrown) {
        await giveShareBack();
        throw thrown;
      }
    },
  };
};
