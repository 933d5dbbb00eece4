/** What the visitor is told beside the messages. */
export type Notice =
  | {
      readonly type:
        | 'loading'
        | 'offline'
        | 'reconnecting'
        | 'refused'
        | 'ended'
        | 'history-failed'
        | 'budget';
    }
  | { readonly type: 'limited' /** Milliseconds since 1970. */; readonly until: number };

/** A countdown of more than this many seconds helps nobody. */
const LONG_WAIT_S = 15 * 60;

/** What a refusal says about more than one message; undefined where it is about that message alone. */
export const noticeOf = (code: string, retryAfter: number | undefined): Notice | undefined => {
  if (code === 'budget_spent') return { type: 'budget' };
  if (code === 'rate_limited') {
    const wait = Math.max(1, retryAfter ?? 30);
    return wait > LONG_WAIT_S ? { type: 'budget' } : { type: 'limited', until: Date.now() + wait * 1000 };
  }
  if (code === 'origin_not_allowed') return { type: 'refused' };
  if (code.startsWith('session_') || code === 'user_mismatch') return { type: 'ended' };
  return undefined;
};
