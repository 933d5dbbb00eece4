import { budgetSpent } from '../errors.ts';

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

/** Bounds the messages of the whole site by day (UTC). It warns once at 80 % and once when the day's are gone. */
export const createDailyBudget = ({ limit, countMessage, clock, logger }: DailyBudgetDeps) => {
  /** The day whose budget is known to be gone: refusals need not be counted. */
  let spentOn = '';
  const today = (): string => new Date(clock.now()).toISOString().slice(0, 10);

  /** @throws AppError `budget_spent`; Retry-After: the seconds until the next day. */
  const take = async (): Promise<void> => {
    if (limit === null) return;
    const day = today();
    const retryAfter = Math.ceil((DAY_MS - (clock.now() % DAY_MS)) / 1000);
    if (day === spentOn) throw budgetSpent({ retryAfter });
    const count = await countMessage(day, 1);
    if (count === Math.ceil(limit * WARN_AT))
      logger.warn({ count, limit }, '80 % of DAILY_MESSAGES are used');
    if (count <= limit) return;
    spentOn = day;
    logger.warn({ limit }, 'DAILY_MESSAGES are used up: visitors are refused until tomorrow (UTC)');
    throw budgetSpent({ retryAfter });
  };

  /** Gives one back that was taken for a message which was then refused. */
  const giveBack = async (): Promise<void> => {
    if (limit !== null) await countMessage(today(), -1);
  };

  return { take, giveBack };
};
