import type { Context, MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import type { AppEnv } from './context.ts';
import type { RouteDeps } from './route-deps.ts';

/** Longest path that is logged, in characters: a path is the caller's to choose. */
const MAX_PATH = 200;

/**
 * What stands in the path for a segment that is longer than any of ours: it may be a session token, which some older
 * clients put there.
 */
const MAX_SEGMENT = 64;
const loggedPath = (path: string): string =>
  path
    .split('/')
    .map((segment) => (segment.length > MAX_SEGMENT ? '…' : segment))
    .join('/')
    .slice(0, MAX_PATH);

/** The pattern of the route that answered; never the path, which is the caller's to choose. */
const routeOf = (c: Context<AppEnv>): string => {
  const route = matchedRoutes(c).findLast(({ path }) => !path.endsWith('*'));
  return route?.path ?? 'none';
};

/** A line for each answered request, without query string, headers or body; probes only at `debug`. */
export const accessLog = ({
  logger,
  clock,
  ops,
}: Pick<RouteDeps, 'logger' | 'clock' | 'ops'>): MiddlewareHandler<AppEnv> =>
  async function accessLog(c, next) {
    const startedAt = clock.now();
    await next();
    const ms = clock.now() - startedAt;
    ops.tools.metrics.request(c.req.method, routeOf(c), c.res.status, ms / 1000);
    // Only a stream has its head sent by now and is not over.
    const { outgoing } = c.env;
    if (outgoing.headersSent && !outgoing.writableEnded) outgoing.once('close', ops.tools.metrics.stream());
    const fields = {
      request_id: c.get('requestId'),
      method: c.req.method,
      path: loggedPath(c.req.path),
      status: c.res.status,
      ms,
      exchange: c.get('exchangeId'),
    };
    if (c.req.path === '/healthz' || c.req.path === '/readyz') logger.debug(fields, 'request');
    else logger.info(fields, 'request');
  };
