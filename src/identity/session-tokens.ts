import { createHmac, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { sessionExpired, sessionInvalid } from '../errors.ts';
import { createSigner } from './signer.ts';

/** A session as its token tells it. */
export interface Session {
  /** Names the session; random. An anonymous visitor is known by it. */
  readonly id: string;
  /** The verified `user_id`; undefined: an anonymous visitor. */
  readonly userId: string | undefined;
  /** What the visitor calls itself. */
  readonly name: string | undefined;
  /** Names this token among those of the session. */
  readonly tokenId: string;
  /** When the session began: seconds since 1970. */
  readonly begin: number;
  /** When the token ends: seconds since 1970. */
  readonly expiresAt: number;
}

/** A session with a token for it that is good now. */
export interface Issued extends Session {
  readonly token: string;
}

/** Issues, verifies, refreshes and ends session tokens: JWT, HS256. */
export interface SessionTokens {
  /** Begins a session. */
  issue(of?: { readonly userId?: string | undefined; readonly name?: string | undefined }): Promise<Issued>;
  /** @throws AppError `session_invalid`, or `session_expired` for one that was good once. */
  verify(token: string): Promise<Session>;
  /**
   * The session of a token that may be refreshed now.
   * @throws AppError as `verify`, and `session_expired` for a session that has lasted as long as one may.
   */
  refreshable(token: string): Promise<Session>;
  /**
   * Ends the token and gives another for the same session.
   * @throws AppError as `refreshable`
   */
  refresh(token: string): Promise<Issued>;
  /**
   * Ends the token, also one that has ended by itself and could still be refreshed.
   * @throws AppError as `verify`
   */
  end(token: string): Promise<void>;
  /** Calls `listener` with the `tokenId` of each token that is ended here, by `end` or `refresh`. */
  onEnd(listener: (tokenId: string) => void): void;
}

/** Where ended tokens are remembered, until they would have ended by themselves. */
export interface EndedTokens {
  /** @returns Whether it had not ended before. */
  endToken(id: string, until: number): Promise<boolean>;
  hasEnded(id: string): Promise<boolean>;
}

/**
 * How far the clocks of processes may be apart, in milliseconds: a token that one has just issued must be good at once
 * for another, whose clock may be behind.
 */
const CLOCK_SKEW_MS = 30_000;

const name = z.string().min(1).max(128);

/** `typ` keeps apart what else may be signed with the same secret. */
const claims = z.object({
  typ: z.literal('session'),
  sid: name,
  sub: name.optional(),
  name: name.optional(),
  jti: name.optional(),
  /** When the session began. */
  beg: z.number().optional(),
  iat: z.number(),
  exp: z.number(),
});

/**
 * @param deps.secrets The first signs, all verify: a secret is changed by putting the new one in front.
 * @param deps.ttl Life of a token in milliseconds.
 * @param deps.max Life of a session through refreshes, in milliseconds.
 * @param deps.grace Milliseconds after its end in which a token may still be refreshed.
 */
export const createSessionTokens = (deps: {
  secrets: readonly string[];
  ttl: number;
  max: number;
  grace: number;
  ended: EndedTokens;
  clock: { now(): number };
}): SessionTokens => {
  const { clock } = deps;
  const listeners: ((tokenId: string) => void)[] = [];
  const signer = createSigner(deps.secrets);

  const endOf = (begin: number): number => begin + Math.ceil(deps.max / 1000);
  /** When a token is of no use any more, not even for a refresh. */
  const lastUse = ({ expiresAt }: Session): number => expiresAt + Math.ceil(deps.grace / 1000);

  /** @returns Whether it had not ended before. */
  const endOnce = async (session: Session): Promise<boolean> => {
    const isFirst = await deps.ended.endToken(session.tokenId, lastUse(session));
    for (const listener of listeners) listener(session.tokenId);
    return isFirst;
  };

  const give = async (session: Pick<Session, 'id' | 'userId' | 'name' | 'begin'>): Promise<Issued> => {
    const now = clock.now();
    const tokenId = randomUUID();
    const expiresAt = Math.min(Math.ceil((now + deps.ttl) / 1000), endOf(session.begin));
    const payload = {
      typ: 'session',
      sid: session.id,
      ...(session.userId === undefined ? {} : { sub: session.userId }),
      ...(session.name === undefined ? {} : { name: session.name }),
      jti: tokenId,
      beg: session.begin,
      iat: Math.floor(now / 1000),
      exp: expiresAt,
    };
    return { ...session, tokenId, expiresAt, token: await signer.sign(payload) };
  };

  /** @param grace Milliseconds after its end in which it is still accepted. */
  const read = async (token: string, grace: number): Promise<Session> => {
    const { data } = claims.safeParse(await signer.read(token));
    if (!data || data.iat * 1000 > clock.now() + CLOCK_SKEW_MS) throw sessionInvalid();
    // The first versions named no tokens.
    const tokenId = data.jti ?? `${data.sid}.${data.iat}.${data.exp}`;
    // By our own clock, so that an expired token is distinguished from a forged one.
    if (data.exp * 1000 + grace <= clock.now() || (await deps.ended.hasEnded(tokenId)))
      throw sessionExpired();
    const { sid: id, sub: userId, beg: begin = data.iat, exp: expiresAt } = data;
    return { id, userId, name: data.name, tokenId, begin, expiresAt };
  };

  const refreshable = async (token: string): Promise<Session> => {
    const session = await read(token, deps.grace);
    if (endOf(session.begin) * 1000 <= clock.now()) throw sessionExpired();
    return session;
  };

  return {
    issue: ({ userId, name } = {}) =>
      give({ id: randomUUID(), userId, name, begin: Math.floor(clock.now() / 1000) }),
    verify: (token) => read(token, 0),
    refreshable,
    refresh: async (token) => {
      const session = await refreshable(token);
      // Of two refreshes at once one wins: a token has one successor.
      if (!(await endOnce(session))) throw sessionExpired();
      const { id, userId, name, begin } = session;
      return give({ id, userId, name, begin });
    },
    end: async (token) => {
      await endOnce(await read(token, deps.grace));
    },
    onEnd: (listener) => void listeners.push(listener),
  };
};

/**
 * An opaque name for a visitor, the same each time and of no use to whoever reads it: what a provider is told.
 * @param key visitorKey() of the visitor.
 */
export const opaqueName = (secret: string, key: string): string =>
  createHmac('sha256', secret).update(`visitor:${key}`).digest('base64url').slice(0, 32);
