import type { HttpBindings } from '@hono/node-server';
import type { RateLimitInfo } from 'hono-rate-limiter';
import type { AppError } from '../errors.ts';

/** What a request carries through the routes. */
export interface AppEnv {
  Bindings: HttpBindings;
  Variables: {
    /** Our own name of the request; never the caller's. */
    requestId: string;
    /** The exchange that the request began; ties its line in the log to the turn's. */
    exchangeId: string | undefined;
    /** What an older client reads of a failure, beside our own form. */
    failureDetail: ((error: AppError) => object) | undefined;
    /** How a failure is answered in another client's form; absent: in ours. */
    failureAnswer: ((error: AppError) => Response) | undefined;
    /** What the limit that is being looked at counts the request as, and what it found. */
    countedAs: string | undefined;
    rateLimit: RateLimitInfo | undefined;
  };
}
