/** The small things that the core needs of the world around it. */

/** The site's bound on messages a day. */
export interface Budget {
  /** @throws AppError `budget_spent` with the seconds until the next day. */
  take(): Promise<void>;
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
