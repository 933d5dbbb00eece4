import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import type { Logger } from '../chat/ports.ts';
import { bodyTooLarge, invalidJson, originNotAllowed, unsupportedMediaType } from '../errors.ts';
import type { AppEnv } from './context.ts';
import { type Edge, isOriginAllowed, peerOf } from './edge.ts';

/** What a request passes on its way to a route, in the order of app.ts. */

type Guard = MiddlewareHandler<AppEnv>;

/** How long browsers may remember a preflight, in seconds: a day. */
const PREFLIGHT_S = 86_400;
/** The largest body, in bytes. */
const MAX_BODY_BYTES = 64 * 1024;

/**
 * Answers preflights and lets allowed pages read our answers, refusals included.
 * Hono's middleware would touch each answer after it is made, which takes streams off the server's fast path; so it
 * answers the preflights, and the two headers of an answer are set before.
 */
export const corsHeaders = (edge: Edge): Guard => {
  const isAny = edge.allowedOrigins === 'any';
  const allowedOf = (origin: string) => (isOriginAllowed(edge, origin) ? origin : null);
  const preflight = cors({
    origin: isAny ? '*' : allowedOf,
    allowMethods: ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'],
    // No list: any header that is asked for. No cookies are used, so this opens nothing.
    maxAge: PREFLIGHT_S,
  });
  return async function corsHeaders(c, next) {
    if (c.req.method === 'OPTIONS') return preflight(c, next);
    const origin = c.req.header('origin');
    if (isAny) c.header('Access-Control-Allow-Origin', '*');
    else {
      c.header('Vary', 'Origin');
      if (origin !== undefined && isOriginAllowed(edge, origin)) {
        c.header('Access-Control-Allow-Origin', origin);
      }
    }
    c.header('Access-Control-Expose-Headers', 'X-Request-Id, RateLimit, RateLimit-Policy, Retry-After');
    return next();
  };
};

/** Refuses pages of other sites; our own pages and callers that are no page pass. */
export const originGuard = (edge: Edge): Guard =>
  async function originGuard(c, next) {
    if (!isOriginAllowed(edge, c.req.header('origin'))) throw originNotAllowed();
    await next();
  };

/** Makes a text what `c.req.json()` reads. */
const keepText = (c: Context<AppEnv>, text: string): void =>
  void Object.assign(c.req.bodyCache, { text: Promise.resolve(text) });

/** The text of a body in strict UTF-8: bytes of another encoding would reach the assistant as other letters. */
const UTF8 = new TextDecoder('utf-8', { fatal: true });
const checkUtf8: Guard = async (c, next) => {
  const bytes = await c.req.arrayBuffer();
  try {
    keepText(c, UTF8.decode(bytes));
  } catch (cause) {
    throw invalidJson({ cause });
  }
  await next();
};

/** Takes bodies of plain JSON in UTF-8, of at most 64 KiB. */
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
    if (length === undefined || c.req.header('transfer-encoding') !== undefined) {
      return limit(c, async () => void (await checkUtf8(c, next)));
    }
    if (Number(length) > MAX_BODY_BYTES) throw bodyTooLarge();
    return checkUtf8(c, next);
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
      keepText(c, '{}');
      await next();
    });
  };
};

/**
 * Refuses what a page of another site loads as an image, a frame and the like: for a GET that costs, since browsers
 * send no `Origin` with those. Calls by `fetch` from such pages are for the origin guard.
 */
export const noSubresources = (): Guard =>
  async function noSubresources(c, next) {
    const site = c.req.header('sec-fetch-site');
    const isForeign = site === 'cross-site' || site === 'same-site';
    // With `crossorigin` an image is asked for in the mode `cors`, too: what it is for tells it from a `fetch`.
    const isSubresource = !/^(empty|document)$/i.test(c.req.header('sec-fetch-dest') ?? 'empty');
    if (isSubresource || (isForeign && c.req.header('sec-fetch-mode') !== 'cors')) throw originNotAllowed();
    await next();
  };

/** Tells the owner, once, that `X-Forwarded-For` arrives and is not believed. */
export const forwardedWarning = ({ edge, logger }: { edge: Edge; logger: Logger }): Guard => {
  let warned = false;
  return async function forwardedWarning(c, next) {
    if (!warned && c.req.header('x-forwarded-for') !== undefined) {
      const isTrusted = edge.isTrustedProxy(peerOf(c.env.incoming.socket));
      if (edge.trustProxy === 0) {
        warned = true;
        logger.warn(
          {},
          'X-Forwarded-For arrives while TRUST_PROXY=0, so all visitors behind that proxy share one limit: set TRUST_PROXY to the number of proxies in front',
        );
      } else if (!isTrusted) {
        warned = true;
        logger.warn(
          { peer: peerOf(c.env.incoming.socket) },
          'X-Forwarded-For is not believed from this peer: if it is a proxy of yours, add its address to TRUSTED_PROXIES; if not, it went around your proxy',
        );
      }
    }
    await next();
  };
};
