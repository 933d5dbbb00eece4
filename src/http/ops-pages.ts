import { Hono } from 'hono';
import { opsPages } from '../ops/pages/routes.ts';
import { createCallLimit, type LimitDeps } from './call-limits.ts';
import type { AppEnv } from './context.ts';
import { addressOf, type Edge } from './edge.ts';
import { hasOpsToken, type OpsDoor } from './ops.ts';

/** Tries to sign in, right and wrong ones, for each client address. */
const ATTEMPTS = [{ limit: 10, windowMs: 15 * 60_000 }];

/** Whether a request came over TLS: by the site's own address, or by what a proxy that is believed says. */
const isSecure = (env: AppEnv['Bindings'], edge: Edge): boolean => {
  if (edge.publicOrigin?.startsWith('https:')) return true;
  const { headers, socket } = env.incoming;
  const isBelieved = edge.trustProxy > 0 && edge.isTrustedProxy(socket.remoteAddress);
  return isBelieved && String(headers['x-forwarded-proto'] ?? '').split(',')[0] === 'https';
};

/** The operators' pages; nothing where ops is off. */
export const opsPageRoutes = (deps: OpsDoor & LimitDeps) => {
  const app = new Hono<AppEnv>();
  const { isOpsToken, tools } = deps.ops;
  if (!isOpsToken || !tools.pages) return app;
  const attempts = createCallLimit('ops sign-in', {
    ...deps,
    rates: { ...deps.rates, perAddress: ATTEMPTS },
  });
  // Hono hands these pages the bindings of the server that they are mounted in.
  const bindings = (c: { env: unknown }) => c.env as AppEnv['Bindings'];
  const pages = opsPages({
    ...tools.pages,
    isOpsToken,
    hasOpsToken: (c) => hasOpsToken(c.req.header('authorization'), bindings(c).incoming, deps),
    isSecure: (c) => isSecure(bindings(c), deps.edge),
    countAttempt: (c) => attempts.count(addressOf(bindings(c).incoming, deps.edge)),
  });
  return app.route('/', pages);
};
