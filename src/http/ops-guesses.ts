import { type AppError, asAppError, rateLimited } from '../errors.ts';
import { createCallLimit, type LimitDeps } from './call-limits.ts';

/** Wrong ops tokens, for each client address. */
const GUESSES = [{ limit: 10, windowMs: 15 * 60_000 }];
/** Addresses that are known to be over; beyond, the first ones may try again. */
const MAX_LOCKED = 10_000;

/** Bounds how often an address may guess the ops token. */
export interface OpsGuesses {
  /**
   * Counts a token that is wrong; an address that has guessed too often is not even told whether one is right.
   * @param address addressOf() the request.
   * @throws AppError `rate_limited`
   */
  check(address: string, isRight: boolean): Promise<void>;
}

const tooManyGuesses = (retryAfter: number): AppError =>
  rateLimited({ retryAfter, detail: 'Too many wrong ops tokens came from this address.' });

export const createOpsGuesses = (deps: LimitDeps): OpsGuesses => {
  const { clock } = deps;
  const wrong = createCallLimit('ops token', { ...deps, rates: { ...deps.rates, perAddress: GUESSES } });
  /** Until when: milliseconds since 1970. */
  const locked = new Map<string, number>();

  const lock = (address: string, seconds: number): void => {
    for (const oldest of locked.keys()) {
      if (locked.size < MAX_LOCKED) break;
      locked.delete(oldest);
    }
    locked.set(address, clock.now() + seconds * 1000);
  };

  return {
    async check(address, isRight) {
      const left = ((locked.get(address) ?? 0) - clock.now()) / 1000;
      if (left > 0) throw tooManyGuesses(Math.ceil(left));
      locked.delete(address);
      if (isRight) return;
      await wrong.count(address).catch((thrown: unknown) => {
        const error = asAppError(thrown);
        if (error.code !== 'rate_limited') throw thrown;
        lock(address, error.retryAfter ?? 0);
        throw tooManyGuesses(error.retryAfter ?? 0);
      });
    },
  };
};
