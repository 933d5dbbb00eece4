/** What an exchange in conversations.json is called, where it stands and whose it is. */

import type { Exchange, Visitor } from '../chat/model.ts';
import type { StoredExchange } from './stored-exchange.ts';

/** The key of conversations.json under which all anonymous exchanges stand. */
export const ANONYMOUS = 'anonymous';

/** `YYYY-MM` in UTC; a time that no calendar knows (a log of the older form may have one) is `undated`. */
export const monthOf = (timestamp: number): string => {
  const date = new Date(timestamp * 1000);
  const year = date.getUTCFullYear();
  return year >= 1970 && year <= 9999 ? date.toISOString().slice(0, 7) : 'undated';
};

/**
 * The visitor whose exchange it is: the one place that says so. What stood under `anonymous` without a session is
 * nobody's, and what its visitor cleared is told to nobody.
 */
export const ownerOf = (
  key: string,
  {
    session,
    verified,
    cleared,
  }: { session?: string | undefined; verified?: boolean | undefined; cleared?: boolean | undefined },
): Visitor | undefined => {
  if (cleared) return undefined;
  if (key !== ANONYMOUS) return { kind: verified ? 'verified' : 'user', id: key };
  return session === undefined ? undefined : { kind: 'anonymous', id: session };
};

/** The exchange that a line of conversations.json stands for. */
export const exchangeOf = (visitor: Visitor, id: string, stored: StoredExchange): Exchange => ({
  id,
  visitor,
  ...(stored.name !== undefined && { name: stored.name }),
  user: stored.user,
  timestamp: stored.timestamp,
  bot: stored.bot,
  ...(stored.error !== undefined && { error: stored.error }),
  ...(stored.truncated && { truncated: true }),
  ...(stored.usage && { usage: stored.usage }),
  ...(stored.sources && { sources: stored.sources }),
  ...(stored.feedback && { feedback: stored.feedback }),
  ...(stored.flagged && { flagged: stored.flagged }),
  ...(stored.unanswered && { unanswered: true }),
  ...(stored.run && { run: stored.run }),
});

/** The fields of an exchange in conversations.json, in their order; those that it has not are undefined. */
export const logFields = (exchange: Omit<Exchange, 'visitor'>, visitor: Visitor | undefined) => {
  const { id, name, user, bot, timestamp, error, truncated, usage } = exchange;
  const { sources, feedback: opinion, flagged, unanswered, run: details } = exchange;
  const session = visitor?.kind === 'anonymous' ? visitor.id : undefined;
  const verified = visitor?.kind === 'verified' ? true : undefined;
  return {
    ...{ user, bot, timestamp, id, session, name, verified, error, truncated, usage },
    ...{ sources, feedback: opinion, flagged, unanswered, run: details },
  };
};
