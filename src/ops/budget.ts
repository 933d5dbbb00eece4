import type { Exchange, Usage, Visitor } from '../chat/model.ts';
import type { Clock, Logger } from '../chat/ports.ts';
import { budgetSpent } from '../errors.ts';
import type { Calendar } from './calendar.ts';
import type { OpsCounts, Use } from './ops-port.ts';
import type { Prices } from './prices.ts';

/** The part of a budget after which its owner is warned. */
const WARN_AT = 0.8;
const NOTHING: Use = { tokens: 0, cost: 0 };

/** A budget of the whole site that is nearly gone, or gone. */
export interface BudgetWarning {
  readonly budget: 'DAILY_TOKENS' | 'DAILY_COST';
  readonly day: string;
  /** Tokens, or the owner's currency. */
  readonly used: number;
  readonly limit: number;
}

/** Bounds what is spent a day on tokens, counted from what the upstream says that it used. */
export interface SpendingBudget {
  /** @throws AppError `budget_spent` with the seconds until the next day. */
  check(visitor: Visitor): Promise<void>;
  /** Counts what a turn used. Turns in flight may overshoot a budget by what they use, and no more. */
  count(exchange: Exchange): Promise<void>;
  /** Whether a budget of the whole site is used up: what no visitor waits for can wait until tomorrow. */
  isSpent(): Promise<boolean>;
  /** Counts what was used beside turns, such as for embeddings. */
  countUsage(model: string, usage: Usage): Promise<void>;
  /** How far the site's budgets are used today. */
  state(): Promise<readonly BudgetWarning[]>;
}

interface Deps {
  /** null: no bound. `cost` in the owner's currency. */
  readonly limits: {
    readonly tokens: number | null;
    readonly visitorTokens: number | null;
    readonly cost: number | null;
  };
  readonly prices: Prices;
  readonly calendar: Calendar;
  readonly counts: Pick<OpsCounts, 'addUse' | 'dayUse'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onWarning: (warning: BudgetWarning) => void;
}

/** Whose use is asked for where the site's alone is of interest. */
const ANYONE: Visitor = { kind: 'anonymous', id: '' };

export const createSpendingBudget = (deps: Deps): SpendingBudget => {
  const { limits, prices, calendar, counts, clock } = deps;
  const isOff = limits.tokens === null && limits.visitorTokens === null && limits.cost === null;
  const siteBudgets = (use: Use) =>
    (
      [
        ['DAILY_TOKENS', use.tokens, limits.tokens],
        ['DAILY_COST', use.cost / 1e6, limits.cost],
      ] as const
    ).flatMap(([budget, used, limit]) => (limit === null ? [] : [{ budget, used, limit }]));

  const warnOnce = (day: string, before: Use, after: Use): void => {
    const earlier = siteBudgets(before);
    for (const [index, { budget, used, limit }] of siteBudgets(after).entries()) {
      const was = earlier[index]?.used ?? 0;
      // The counts are added up atomically, so that of all processes one sees the line crossed.
      if (was < limit * WARN_AT && used >= limit * WARN_AT) {
        deps.logger.warn({ used, limit }, `80 % of ${budget} are used`);
        deps.onWarning({ budget, day, used, limit });
      }
      if (was < limit && used >= limit) {
        deps.logger.warn({ used, limit }, `${budget} is used up: visitors are refused until tomorrow`);
      }
    }
  };

  /** What turns that are over here used, and that is still being counted. */
  const counting = new Set<Promise<void>>();
  const add = async (
    visitor: Visitor,
    model: string | undefined,
    usage: Usage | undefined,
  ): Promise<void> => {
    if (isOff || !usage) return;
    const added = { tokens: usage.input + usage.output, cost: prices.costOf(model, usage) };
    const day = calendar.dayOf(clock.now());
    const { site } = await counts.addUse(day, visitor, added);
    warnOnce(day, { tokens: site.tokens - added.tokens, cost: site.cost - added.cost }, site);
  };

  const count = async (visitor: Visitor, model: string | undefined, usage: Usage | undefined) => {
    const added = add(visitor, model, usage);
    counting.add(added);
    await added.finally(() => counting.delete(added));
  };
  /** With what turns used that are over: their visitors may have their answers before it is counted. */
  const state = async (): Promise<readonly BudgetWarning[]> => {
    await Promise.allSettled(counting);
    const day = calendar.dayOf(clock.now());
    const { site } = isOff ? { site: NOTHING } : await counts.dayUse(day, ANYONE);
    return siteBudgets(site).map((budget) => ({ ...budget, day }));
  };

  return {
    check: async (visitor) => {
      if (isOff) return;
      await Promise.allSettled(counting);
      const now = clock.now();
      const use = await counts.dayUse(calendar.dayOf(now), visitor);
      const isSpent =
        siteBudgets(use.site).some(({ used, limit }) => used >= limit) ||
        (limits.visitorTokens !== null && use.visitor.tokens >= limits.visitorTokens);
      if (isSpent) throw budgetSpent({ retryAfter: calendar.secondsLeft(now) });
    },
    count: ({ visitor, run, usage }) => count(visitor, run?.model, usage),
    isSpent: async () => {
      if (isOff) return false;
      return (await state()).some(({ used, limit }) => used >= limit);
    },
    countUsage: (model, usage) => count(ANYONE, model, usage),
    state,
  };
};
