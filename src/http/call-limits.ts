import type { Context, MiddlewareHandler } from 'hono';
import { type RateLimitInfo, rateLimiter, type Store } from 'hono-rate-limiter';
import { type Visitor, visitorKey } from '../chat/model.ts';
import type { Clock } from '../chat/ports.ts';
import { type AppError, rateLimited } from '../errors.ts';
import { boundedCounts } from '../limits/bounded-counts.ts';
import { type CountCall, sharedCounts } from '../limits/shared-counts.ts';
import type { AppEnv } from './context.ts';
import { addressOf, type Edge } from './edge.ts';
import { bearer } from './who-speaks.ts';

/** Calls per window. */
export interface Rate {
  readonly limit: number;
  /** Milliseconds. */
  readonly windowMs: number;
}

/** What limits are made of. */
export interface LimitDeps {
  readonly rates: {
    /** Calls per client address, all of which hold; null: no limit. */
    readonly perAddress: readonly Rate[] | null;
    /** The same per session or user. */
    readonly perVisitor: readonly Rate[] | null;
    /** Counts calls among all processes; undefined where this is the only one. */
    readonly countCall: CountCall | undefined;
  };
  readonly edge: Edge;
  readonly identity: { readonly isSiteKey: (given: string) => boolean };
  readonly clock: Clock;
  /** Told of each refusal. @param limit The name of the limit. */
  readonly onLimited: (limit: string) => void;
}

/** Addresses, and visitors, that a limit counts at a time. */
const MAX_KEYS = 100_000;

/** One bucket per client address, or per visitor for whom a server of the site speaks: it calls from one address. */
export interface CallLimit {
  /** Counts the call by its address and refuses it over the rate; lets pass what comes with a site key. */
  readonly byAddress: MiddlewareHandler<AppEnv>;
  /** Counts what came with a site key, at the rate of an address. @throws AppError `rate_limited` */
  byVisitor(c: Context<AppEnv>, visitor: Visitor): Promise<void>;
  /**
   * Counts what came from an address without a request of its own, such as a frame of a WebSocket.
   * @param address addressOf() its handshake.
   * @throws AppError `rate_limited`
   */
  count(address: string): Promise<void>;
}

/** Bounds what one session or user sends, wherever from. */
export interface VisitorLimit {
  /** @param c The request, for its headers; undefined for a frame. @throws AppError `rate_limited` */
  count(visitor: Visitor, c?: Context<AppEnv>): Promise<void>;
}

/** Several windows over one kind of key. */
interface Windows {
  /** @throws AppError `rate_limited` */
  pass(c: Context<AppEnv>, key: string): Promise<void>;
  /** @throws AppError `rate_limited` */
  count(key: string): Promise<void>;
}

/** The seconds until a window ends. */
const secondsTo = (resetTime: Date | undefined, clock: Clock): number =>
  Math.max(0, Math.ceil(((resetTime?.getTime() ?? 0) - clock.now()) / 1000));

/** @param bucket Their name, where many processes share them. */
const createWindows = (
  bucket: string,
  rates: readonly Rate[],
  { rates: { countCall }, clock, onLimited }: Pick<LimitDeps, 'rates' | 'clock' | 'onLimited'>,
): Windows => {
  const refusal = (resetTime: Date | undefined): AppError => {
    onLimited(bucket);
    return rateLimited({ retryAfter: Math.max(1, secondsTo(resetTime, clock)) });
  };
  const policy = rates.map(({ limit, windowMs }) => `${limit};w=${Math.ceil(windowMs / 1000)}`).join(', ');
  const show = (c: Context<AppEnv>, { limit, remaining, resetTime }: RateLimitInfo): void => {
    c.header('RateLimit-Policy', policy);
    c.header('RateLimit', `limit=${limit}, remaining=${remaining}, reset=${secondsTo(resetTime, clock)}`);
  };
  const storeOf = ({ limit, windowMs }: Rate): Store<AppEnv> =>
    countCall
      ? sharedCounts({ bucket: `${bucket}/${windowMs}`, limit, maxKeys: MAX_KEYS, countCall })
      : boundedCounts({ maxKeys: MAX_KEYS });
  // The shortest first: what it refuses costs nothing of a longer one.
  const windows = rates
    .toSorted((a, b) => a.windowMs - b.windowMs)
    .map((rate) => {
      const store = storeOf(rate);
      const middleware = rateLimiter<AppEnv>({
        ...rate,
        store,
        standardHeaders: false,
        keyGenerator: (c) => c.get('countedAs') ?? '',
        handler: (c) => {
          const info = c.get('rateLimit');
          if (info) show(c, info);
          throw refusal(info?.resetTime);
        },
      });
      return { ...rate, store, middleware };
    });
  return {
    pass: async (c, key) => {
      c.set('countedAs', key);
      let tightest: RateLimitInfo | undefined;
      for (const { middleware } of windows) {
        await middleware(c, async () => {});
        const info = c.get('rateLimit');
        if (info && (!tightest || info.remaining < tightest.remaining)) tightest = info;
      }
      if (tightest) show(c, tightest);
    },
    count: async (key) => {
      for (const { limit, store } of windows) {
        const { totalHits, resetTime } = await store.increment(key);
        if (totalHits > limit) throw refusal(resetTime);
      }
    },
  };
};

/** Makes buckets of their own. @param bucket Their name, where many processes share them. */
export const createCallLimit = (bucket: string, deps: LimitDeps): CallLimit => {
  const { rates, edge, identity } = deps;
  if (!rates.perAddress) {
    return { byAddress: (_, next) => next(), byVisitor: async () => {}, count: async () => {} };
  }
  const addresses = createWindows(bucket, rates.perAddress, deps);
  const visitors = createWindows(`${bucket}-visitor`, rates.perAddress, deps);
  return {
    byAddress: async function byAddress(c, next) {
      const isSite = identity.isSiteKey(bearer(c.req.header('authorization')) ?? '');
      if (!isSite) await addresses.pass(c, addressOf(c.env.incoming, edge));
      await next();
    },
    byVisitor: (c, visitor) => visitors.pass(c, visitorKey(visitor)),
    count: (address) => addresses.count(address),
  };
};

/** Makes the limit per session or user, for sites whose visitors share addresses. */
export const createVisitorLimit = (deps: Pick<LimitDeps, 'rates' | 'clock' | 'onLimited'>): VisitorLimit => {
  const { perVisitor } = deps.rates;
  if (!perVisitor) return { count: async () => {} };
  const windows = createWindows('session', perVisitor, deps);
  return {
    count: (visitor, c) => (c ? windows.pass(c, visitorKey(visitor)) : windows.count(visitorKey(visitor))),
  };
};
