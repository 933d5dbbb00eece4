import type { Context, MiddlewareHandler } from 'hono';
import { rateLimiter } from 'hono-rate-limiter';
import { type Visitor, visitorKey } from '../chat/model.ts';
import type { Clock } from '../chat/ports.ts';
import { rateLimited } from '../errors.ts';
import { boundedCounts } from '../limits/bounded-counts.ts';
import { clientAddress } from '../limits/client-address.ts';
import { type CountCall, sharedCounts } from '../limits/shared-counts.ts';
import type { AppEnv } from './context.ts';
import { bearer } from './who-speaks.ts';

/** Calls per window. */
export interface Rate {
  readonly limit: number;
  /** Milliseconds. */
  readonly windowMs: number;
}

/** Addresses, and visitors, that a limit counts at a time. */
const MAX_KEYS = 100_000;

/** One bucket per client address, or per visitor for whom a server of the site speaks: it calls from one address. */
export interface CallLimit {
  /** Counts the call by its address and refuses it over the rate; lets pass what comes with a site key. */
  readonly byAddress: MiddlewareHandler<AppEnv>;
  /** Counts what came with a site key. @throws AppError `rate_limited` */
  byVisitor(c: Context<AppEnv>, visitor: Visitor): Promise<void>;
  /**
   * Counts what came from an address without a request of its own, such as a frame of a WebSocket.
   * @param address clientAddress() of it.
   * @throws AppError `rate_limited`
   */
  count(address: string): Promise<void>;
}

/**
 * Makes buckets of their own; a null rate: no limit.
 * @param bucket Their name, where many processes share them.
 * @param deps.rates.countCall Counts among all processes; undefined where this is the only one.
 */
export const createCallLimit = (
  bucket: string,
  {
    rates: { perAddress: rate, countCall },
    edge,
    identity,
    clock,
  }: {
    rates: { perAddress: Rate | null; countCall: CountCall | undefined };
    edge: { trustProxy: number };
    identity: { isSiteKey: (given: string) => boolean };
    clock: Clock;
  },
): CallLimit => {
  if (!rate) return { byAddress: (_, next) => next(), byVisitor: async () => {}, count: async () => {} };
  const counts = countCall
    ? () => sharedCounts<AppEnv>({ bucket, limit: rate.limit, maxKeys: MAX_KEYS, countCall })
    : () => boundedCounts<AppEnv>({ maxKeys: MAX_KEYS });
  const addresses = counts();
  const common = {
    ...rate,
    standardHeaders: 'draft-7' as const,
    handler: (c: Context<AppEnv>) => {
      throw rateLimited({ retryAfter: Math.max(1, Number(c.res.headers.get('Retry-After'))) });
    },
  };
  const visitors = rateLimiter<AppEnv>({
    ...common,
    store: counts(),
    keyGenerator: (c) => c.get('countedAs') ?? '',
  });
  return {
    byAddress: rateLimiter<AppEnv>({
      ...common,
      store: addresses,
      skip: (c) => identity.isSiteKey(bearer(c.req.header('authorization')) ?? ''),
      keyGenerator: (c) => {
        const socketAddress = c.env.incoming.socket.remoteAddress;
        return clientAddress(
          { socketAddress, forwardedFor: c.req.header('x-forwarded-for') },
          edge.trustProxy,
        );
      },
    }),
    byVisitor: async (c, visitor) => {
      c.set('countedAs', visitorKey(visitor));
      await visitors(c, async () => {});
    },
    count: async (address) => {
      const { totalHits, resetTime } = await addresses.increment(address);
      if (totalHits <= rate.limit) return;
      const left = (resetTime?.getTime() ?? 0) - clock.now();
      throw rateLimited({ retryAfter: Math.max(1, Math.ceil(left / 1000)) });
    },
  };
};
