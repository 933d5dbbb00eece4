import { createHmac } from 'node:crypto';
import { sign, verify } from 'hono/jwt';
import { z } from 'zod';
import { sessionExpired, sessionInvalid } from '../errors.ts';

/** The one algorithm. It is never taken from a token. */
const ALGORITHM = 'HS256';

/** A session as its token tells it. */
export interface Session {
  /** Names the session; random. */
  readonly id: string;
  /** When the token ends: seconds since 1970. */
  readonly expiresAt: number;
}

/** Issues and verifies session tokens: JWT, HS256. */
export interface SessionTokens {
  issue(sessionId: string): Promise<string>;
  /** @throws AppError `session_invalid`, or `session_expired` for one that was good once. */
  verify(token: string): Promise<Session>;
}

/** `typ` keeps apart what else may be signed with the same secret. */
const claims = z.object({
  typ: z.literal('session'),
  sid: z.string().min(1).max(128),
  iat: z.number(),
  exp: z.number(),
});

/**
 * @param deps.secrets The first signs, all verify: a secret is changed by putting the new one in front.
 * @param deps.ttl Life of a token in milliseconds.
 */
export const createSessionTokens = (deps: {
  secrets: readonly string[];
  ttl: number;
  clock: { now(): number };
}): SessionTokens => {
  const [signing] = deps.secrets;
  if (signing === undefined) throw new Error('session tokens need a secret');
  return {
    issue: (sessionId) => {
      const now = deps.clock.now();
      const payload = {
        typ: 'session',
        sid: sessionId,
        iat: Math.floor(now / 1000),
        exp: Math.ceil((now + deps.ttl) / 1000),
      };
      return sign(payload, signing, ALGORITHM);
    },
    verify: async (token) => {
      for (const secret of deps.secrets) {
        // The end is checked below, by our own clock, so that an expired token is told from a forged one.
        const payload = await verify(token, secret, { alg: ALGORITHM, exp: false }).catch(() => undefined);
        if (!payload) continue;
        const { data } = claims.safeParse(payload);
        if (!data) throw sessionInvalid();
        if (data.exp * 1000 <= deps.clock.now()) throw sessionExpired();
        return { id: data.sid, expiresAt: data.exp };
      }
      throw sessionInvalid();
    },
  };
};

/**
 * An opaque name for a visitor, the same each time and of no use to whoever reads it: what a provider is told.
 * @param key visitorKey() of the visitor.
 */
export const opaqueName = (secret: string, key: string): string =>
  createHmac('sha256', secret).update(`visitor:${key}`).digest('base64url').slice(0, 32);
