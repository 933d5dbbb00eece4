import type { MiddlewareHandler } from 'hono';
import type { AppEnv } from './context.ts';

/**
 * What keeps browsers from guessing, framing and leaking: the set that Hono's own middleware sends, but for two.
 * Our pages' callers are on other sites, so resources may be read from there; and whether the whole domain is on TLS
 * (Strict-Transport-Security) is for the proxy that ends TLS to say.
 */
const HEADERS = Object.entries({
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Origin-Agent-Cluster': '?1',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-DNS-Prefetch-Control': 'off',
  'X-Download-Options': 'noopen',
  'X-Frame-Options': 'SAMEORIGIN',
  'X-Permitted-Cross-Domain-Policies': 'none',
  'X-XSS-Protection': '0',
});

/** Sets them before the answer is made: Hono's middleware does after, which takes streams off the server's fast path. */
export const secureHeaders = (): MiddlewareHandler<AppEnv> =>
  async function secureHeaders(c, next) {
    for (const [name, value] of HEADERS) c.header(name, value);
    await next();
  };
