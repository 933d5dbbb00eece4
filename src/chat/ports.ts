/** The small things that the core needs of the world around it. */

import type { AppError } from '../errors.ts';
import type { Visitor } from './model.ts';
import type { DayLimit } from './store-port.ts';

/** What a message has used of the day's budgets. */
export interface BudgetPart {
  /** The bounds of today, where the store counts messages as it accepts them; undefined: there are none. */
  readonly day: DayLimit | undefined;
  /** Gives it back, to the day that it was counted in: for a message that is then refused. */
  giveBack(): Promise<void>;
}

/** The site's bounds on messages, tokens and money a day, and each caller's share of them. */
export interface Budget {
  /**
   * Takes one message of the day.
   * @param of.sharer Whose share it is of: an address, or a verified visitor.
   * @param of.isCountedByStore The store counts messages as it accepts them.
   * @throws AppError `budget_spent` with the seconds until the next day.
   */
  take(of: { visitor: Visitor; sharer: string; isCountedByStore: boolean }): Promise<BudgetPart>;
  /** The store has counted a message of today: the owner may have to be warned. */
  counted(count: number): void;
  /** The store has refused a message of today. @returns AppError `budget_spent` */
  spent(of: 'site' | 'share'): AppError;
}

/** The wall clock, injected. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
}

/** The few words of a logger that the rooms use; pino's is one. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
