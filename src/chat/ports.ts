/** The small things that the core needs of the world around it. */

/** The site's bound on messages a day, and each caller's share of it. */
export interface Budget {
  /**
   * Takes one message of the day.
   * @param sharer Whose share it is of: an address, or a verified visitor.
   * @returns Gives it back: for a message that is then refused.
   * @throws AppError `budget_spent` with the seconds until the next day.
   */
  take(sharer: string): Promise<() => Promise<void>>;
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
