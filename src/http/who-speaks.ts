import { randomUUID } from 'node:crypto';
import type { Visitor } from '../chat/ports.ts';
import { sessionRequired, userMismatch } from '../errors.ts';
import type { SessionTokens } from '../identity/session-tokens.ts';

/** What a request says of who sends it. */
export interface Claims {
  /** The `Authorization` header. */
  readonly authorization: string | undefined;
  readonly sessionToken: string | null | undefined;
  readonly userId: string | undefined;
}

export interface Speaker {
  readonly visitor: Visitor;
  /** A token for a session that began with this message; goes into the answer. */
  readonly newToken?: string;
}

/** `Bearer …`; another scheme is meant for whatever stands in front of us. */
const bearer = (authorization: string | undefined): string | undefined =>
  /^Bearer(?:\s+(.*))?$/i.exec(authorization?.trim() ?? '')?.slice(1)[0] ??
  (/^Bearer$/i.test(authorization?.trim() ?? '') ? '' : undefined);

/**
 * Finds out who speaks, by the contract's order: a session token, a `user_id` on trust, a new anonymous session.
 * @throws AppError `session_invalid`, `session_expired`, `user_mismatch`, `session_required`
 */
export const whoSpeaks = async (
  claims: Claims,
  deps: { tokens: SessionTokens; identity: 'open' | 'signed' },
): Promise<Speaker> => {
  const token = bearer(claims.authorization) ?? (claims.sessionToken || undefined);
  if (token !== undefined) {
    const session = await deps.tokens.verify(token);
    // The session is an anonymous visitor's: whatever user is named beside it, it is another.
    if (claims.userId !== undefined) throw userMismatch();
    return { visitor: { kind: 'anonymous', id: session.id } };
  }
  if (claims.userId !== undefined) {
    if (deps.identity === 'signed') throw sessionRequired();
    return { visitor: { kind: 'user', id: claims.userId } };
  }
  const id = randomUUID();
  return { visitor: { kind: 'anonymous', id }, newToken: await deps.tokens.issue(id) };
};
