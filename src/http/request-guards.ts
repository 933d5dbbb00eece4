import type { MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import type { Logger } from '../chat/ports.ts';
import { bodyTooLarge, originNotAllowed, unsupportedMediaType } from '../errors.ts';
import type { AppEnv } from './context.ts';
import { type Edge, isOriginAllowed } from './edge.ts';

/** What a request passes on its way to a route, in the order of app.ts. */

type Guard = MiddlewareHandler<AppEnv>;

/** The largest body, in bytes. */
const MAX_BODY_BYTES = 64 * 1024;

/**
 * Answers preflights and lets allowed pages read our answers, refusals included.
 * Hono's middleware would touch each answer after it is made, which takes streams off the server's fast path; so it
 * answers the preflights, and the two headers of an answer are set before.
 */
export const corsHeaders = ({ allowedOrigins: allowed }: Edge): Guard => {
  const preflight = cors({
    origin: allowed === 'any' ? '*' : [...allowed],
    allowMethods: ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'],
    allowHeaders: ['Authorization', 'Content-Type', 'Idempotency-Key', 'Last-Event-ID', 'X-API-Key'],
    maxAge: 600,
  });
  return async function corsHeaders(c, next) {
    if (c.req.method === 'OPTIONS') return preflight(c, next);
    const origin = c.req.header('origin') ?? '';
    if (allowed === 'any') c.header('Access-Control-Allow-Origin', '*');
    else {
      c.header('Vary', 'Origin');
      if (allowed.includes(origin)) c.header('Access-Control-Allow-Origin', origin);
    }
    c.header('Access-Control-Expose-Headers', 'X-Request-Id, RateLimit, RateLimit-Policy, Retry-After');
    return next();
  };
};

/** Refuses pages of other sites; our own pages and callers that are no page pass. */
export const originGuard = (edge: Edge): Guard =>
  async function originGuard(c, next) {
    if (!isOriginAllowed(edge, c.req.header('origin'), c.req.header('host'))) throw originNotAllowed();
    await next();
  };

/** Takes bodies of plain JSON of at most 64 KiB. */
export const jsonBodyGuard = (): Guard => {
  const limit = bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: () => {
      throw bodyTooLarge();
    },
  });
  return async function jsonBodyGuard(c, next) {
    const type = c.req.header('content-type') ?? '';
    const isJson = /^application\/json\s*(;|$)/i.test(type);
    const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(type)?.[1] ?? 'utf-8';
    const isUtf8 = /^utf-?8$/i.test(charset);
    if (!isJson || !isUtf8 || c.req.header('content-encoding') !== undefined) throw unsupportedMediaType();
    const length = c.req.header('content-length');
    // Without a length told in advance the body must be counted as it comes, which costs a copy of it.
    if (length === undefined || c.req.header('transfer-encoding') !== undefined) return limit(c, next);
    if (Number(length) > MAX_BODY_BYTES) throw bodyTooLarge();
    return next();
  };
};

/** As {@link jsonBodyGuard}, where a request may also come without a body. */
export const optionalJsonBodyGuard = (): Guard => {
  const guard = jsonBodyGuard();
  return async function optionalJsonBodyGuard(c, next) {
    const isEmpty =
      c.req.header('transfer-encoding') === undefined && Number(c.req.header('content-length') ?? 0) === 0;
    if (!isEmpty) return guard(c, next);
    if (c.req.header('content-type') === undefined) return next();
    return guard(c, async () => {
      // The header says JSON, so that JSON is read: what the absent body means.
      c.req.raw = new Request(c.req.url, { method: c.req.method, headers: c.req.header(), body: '{}' });
      await next();
    });
  };
};

/** Tells the owner, once, that a proxy stands in front which the settings do not know of. */
export const forwardedWarning = ({ edge, logger }: { edge: Edge; logger: Logger }): Guard => {
  let warned = edge.trustProxy > 0;
  return async function forwardedWarning(c, next) {
    if (!warned && c.req.header('x-forwarded-for') !== undefined) {
      warned = true;
      logger.warn(
        {},
        'X-Forwarded-For arrives while TRUST_PROXY=0, so all visitors behind that proxy share one limit: set TRUST_PROXY to the number of proxies in front',
      );
    }
    await next();
  };
};
