/** The small things that the core needs of the world around it. */

import type { Visitor } from './model.ts';

/** The site's bounds on messages, tokens and money a day. */
export interface Budget {
  /** @throws AppError `budget_spent` with the seconds until the next day. */
  take(visitor: Visitor): Promise<void>;
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
