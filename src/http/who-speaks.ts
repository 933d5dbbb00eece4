import type { Visitor } from '../chat/model.ts';
import type { VerifiedUsers } from '../chat/store-port.ts';
import { invalidRequest, sessionRequired, userMismatch } from '../errors.ts';
import type { Session, SessionTokens } from '../identity/session-tokens.ts';

/** What a request says of who sends it. */
export interface Claims {
  /** The `Authorization` header. */
  readonly authorization: string | undefined;
  readonly sessionToken?: string | null | undefined;
  readonly userId: string | undefined;
}

export interface Speaker {
  readonly visitor: Visitor;
  /** What the visitor calls itself, where its session has a name for it. */
  readonly name?: string | undefined;
  /** The session token that proves it. */
  readonly token?: string;
  /** A token for a session that began with this message; goes into the answer. */
  readonly newToken?: string;
  /** A server of the site speaks for the visitor: counted per visitor, not per address. */
  readonly bySiteKey?: boolean;
}

/** What it takes to know who speaks. */
export interface Identity {
  readonly tokens: SessionTokens;
  /** `open`: a `user_id` alone names a visitor. */
  readonly mode: 'open' | 'signed';
  readonly isSiteKey: (given: string) => boolean;
  /** Which `user_id`s were ever verified. */
  readonly verifiedUsers: VerifiedUsers;
}

/** `Bearer …`; another scheme is meant for whatever stands in front of us. */
export const bearer = (authorization: string | undefined): string | undefined =>
  /^Bearer(?:\s+(.*))?$/i.exec(authorization?.trim() ?? '')?.slice(1)[0] ??
  (/^Bearer$/i.test(authorization?.trim() ?? '') ? '' : undefined);

/** The visitor of a session. */
export const visitorIn = ({ id, userId }: Session): Visitor =>
  userId === undefined ? { kind: 'anonymous', id } : { kind: 'verified', id: userId };

/**
 * Finds out who speaks where a token or a site key proves it; undefined where there is neither. Asking does not make a
 * `user_id` a verified one: a look at the history must not shut out who speaks under it on trust.
 * @throws AppError `session_invalid`, `session_expired`, `user_mismatch`; `invalid_request` for a site key that
 * speaks for nobody
 */
export const provenSpeaker = async (
  claims: Claims,
  { tokens, isSiteKey }: Pick<Identity, 'tokens' | 'isSiteKey'>,
): Promise<Speaker | undefined> => {
  const given = bearer(claims.authorization);
  const bySiteKey = given !== undefined && isSiteKey(given);
  const token = (bySiteKey ? undefined : given) ?? (claims.sessionToken || undefined);
  if (token !== undefined) {
    const session = await tokens.verify(token);
    if (claims.userId !== undefined && claims.userId !== session.userId) throw userMismatch();
    return { visitor: visitorIn(session), name: session.name, token, bySiteKey };
  }
  if (!bySiteKey) return undefined;
  if (claims.userId === undefined) {
    throw invalidRequest('user_id must name the visitor for whom the site key speaks.');
  }
  return { visitor: { kind: 'verified', id: claims.userId }, bySiteKey };
};

/**
 * The speaker of a session whose token came where a wire form has it, such as in the path. A site key beside it says
 * that a server of the site calls for the visitor.
 * @throws AppError `session_invalid`, `session_expired`
 */
export const sessionSpeaker = async (
  token: string,
  authorization: string | undefined,
  { tokens, isSiteKey }: Pick<Identity, 'tokens' | 'isSiteKey'>,
): Promise<Speaker> => {
  const session = await tokens.verify(token);
  const bySiteKey = isSiteKey(bearer(authorization) ?? '');
  return { visitor: visitorIn(session), name: session.name, token, bySiteKey };
};

/**
 * Finds out who speaks, by the contract's order: a session token, a site key with a `user_id` (a verified one from now
 * on), a `user_id` on trust, a new anonymous session.
 * @throws AppError as {@link provenSpeaker}, and `session_required` for a `user_id` that is not taken on trust
 */
export const whoSpeaks = async (claims: Claims, identity: Identity): Promise<Speaker> => {
  const proven = await provenSpeaker(claims, identity);
  if (proven) {
    if (proven.token === undefined) await identity.verifiedUsers.markVerified(proven.visitor.id);
    return proven;
  }
  const { userId } = claims;
  if (userId !== undefined) {
    // Once the site has verified a user_id, it cannot be used without proof.
    if (identity.mode === 'signed' || (await identity.verifiedUsers.isVerified(userId)))
      throw sessionRequired();
    return { visitor: { kind: 'user', id: userId } };
  }
  const session = await identity.tokens.issue();
  return { visitor: visitorIn(session), newToken: session.token };
};
