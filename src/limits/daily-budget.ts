import { type AppError, budgetSpent } from '../errors.ts';

const DAY_MS = 86_400_000;
/** The part of the budget after which the owner is warned. */
const WARN_AT = 0.8;

interface DailyBudgetDeps {
  /** Messages a day; null: no bound. */
  readonly limit: number | null;
  /** Adds to a day's count and gives the new count; survives a restart. */
  readonly countMessage: (day: string, by: 1 | -1) => Promise<number>;
  readonly clock: { now(): number };
  readonly logger: { warn(fields: object, message: string): void };
}

/** Bounds the messages of the whole site by day (UTC). It warns once at 80 % and once when the day's are used up. */
export const createDailyBudget = ({ limit, countMessage, clock, logger }: DailyBudgetDeps) => {
  /** The day whose budget is known to be used up: refusals need not be counted. */
  let spentOn = '';
  /** The day of which the owner was told so. */
  let toldOn = '';
  const dayNow = (): string => new Date(clock.now()).toISOString().slice(0, 10);

  /** @returns AppError `budget_spent`; Retry-After: the seconds until the next day. */
  const spent = (): AppError => {
    spentOn = dayNow();
    if (toldOn !== spentOn) {
      toldOn = spentOn;
      logger.warn({ limit }, 'DAILY_MESSAGES are used up: visitors are refused until tomorrow (UTC)');
    }
    return budgetSpent({ retryAfter: Math.ceil((DAY_MS - (clock.now() % DAY_MS)) / 1000) });
  };
  const counted = (count: number): void => {
    if (limit !== null && count === Math.ceil(limit * WARN_AT))
      logger.warn({ count, limit }, '80 % of DAILY_MESSAGES are used');
  };
  /** @throws AppError `budget_spent` */
  const todayNow = (): { day: string; limit: number } | undefined => {
    if (limit === null) return undefined;
    const day = dayNow();
    if (day === spentOn) throw spent();
    return { day, limit };
  };

  return {
    /** @throws AppError `budget_spent` */
    today: async () => todayNow(),
    counted,
    spent,
    /** @throws AppError `budget_spent` */
    take: async (): Promise<void> => {
      const now = todayNow();
      if (!now) return;
      const count = await countMessage(now.day, 1);
      if (count <= now.limit) return counted(count);
      // Not taken, so that what is given back later is to be had.
      await countMessage(now.day, -1);
      throw spent();
    },
    /** Gives one back that was taken for a message which was then refused. */
    giveBack: async (): Promise<void> => {
      if (limit === null) return;
      const day = dayNow();
      await countMessage(day, -1);
      if (spentOn === day) spentOn = '';
    },
  };
};
