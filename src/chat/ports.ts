/** The small things that the core needs of the world around it. */

import type { AppError } from '../errors.ts';
import type { Visitor } from './model.ts';
import type { DayLimit } from './store-port.ts';

/** The site's bounds on messages, tokens and money a day. */
export interface Budget {
  /** @throws AppError `budget_spent` with the seconds until the next day. */
  take(visitor: Visitor): Promise<void>;
  /**
   * Instead of `take`, for a store that counts messages as it accepts them: today's bound on them; undefined: there is
   * none.
   * @throws AppError `budget_spent` where today's messages, or another budget, are known to be used up.
   */
  today(visitor: Visitor): Promise<DayLimit | undefined>;
  /** Such a store has counted a message of today: the owner may have to be warned. */
  counted(count: number): void;
  /** Such a store has refused a message of today. @returns AppError `budget_spent` */
  spent(): AppError;
  /** Gives one back that was taken for a message which was then refused. */
  giveBack(): Promise<void>;
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
