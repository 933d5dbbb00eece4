import { z } from 'zod';
import { type Visitor, visitorKey } from '../chat/model.ts';
import { type Identity, visitorIn } from './who-speaks.ts';

/** Whose ids may name an exchange here: those that we made. Ids of older logs follow from content, and can be guessed. */
const ownId = z.uuidv4();
export const isOwnId = (id: string): boolean => ownId.safeParse(id).success;

/**
 * Whether the caller may read and stop a visitor's turn: the visitor by its token, the site for verified visitors,
 * and, where naming the visitor would do (an open `user_id`), whoever knows the exchange's id: that is at least as
 * hard to guess.
 * @param given A session token or a site key.
 * @throws AppError `session_invalid`, `session_expired`
 */
export const mayReadTurn = async (
  visitor: Visitor,
  given: string | undefined,
  { tokens, mode, isSiteKey, verifiedUsers }: Identity,
): Promise<boolean> => {
  if (given === undefined) {
    return visitor.kind === 'user' && mode === 'open' && !(await verifiedUsers.isVerified(visitor.id));
  }
  // Only reading here: it must not make the visitor a verified one.
  if (isSiteKey(given)) return visitor.kind === 'verified';
  return visitorKey(visitorIn(await tokens.verify(given))) === visitorKey(visitor);
};
