import { type ErrorCode, statusOf } from '../errors.ts';
import { errorAnswer } from './schemas.ts';

/** What can go wrong together, and so stands together in a route's description. */
const GROUPS = {
  /** A body of JSON that must fit a schema. */
  body: ['invalid_json', 'invalid_request', 'body_too_large', 'unsupported_media_type'],
  /** The pages of other sites. */
  origin: ['origin_not_allowed'],
  /** A token that must be there. */
  session: ['session_required', 'session_invalid', 'session_expired'],
  /** A token that may be there. */
  token: ['session_invalid', 'session_expired'],
  /** What is counted per window. */
  limits: ['rate_limited'],
  /** A message that is to be accepted. */
  message: [
    'thread_busy',
    'idempotency_mismatch',
    'budget_spent',
    'overloaded',
    'log_unavailable',
    'shutting_down',
  ],
  /** A run whose end is waited for. */
  upstream: [
    'upstream_unreachable',
    'upstream_unauthorized',
    'upstream_rejected',
    'upstream_failed',
    'upstream_busy',
    'upstream_timeout',
    'internal_error',
  ],
  /** The store is read or written. */
  log: ['log_unavailable'],
} as const satisfies Record<string, readonly ErrorCode[]>;

type Group = keyof typeof GROUPS;
const isGroup = (name: Group | ErrorCode): name is Group => Object.hasOwn(GROUPS, name);

/** A failure in a route's description. @param description Its codes, and what else there is to say. */
const failure = (description: string) => ({
  description,
  content: { 'application/json': { schema: errorAnswer } },
});

/**
 * The failures in a route's description, one for each status.
 *
 * Handlers throw failures and never return them, so the type has no statuses: a handler cannot answer with one.
 * @param names Groups and single codes.
 * @example responses: { 200: json('The answer', answer), ...failures('body', 'limits', 'forbidden') }
 */
export const failures = (...names: readonly (Group | ErrorCode)[]): Record<never, never> => {
  const byStatus = new Map<number, Set<ErrorCode>>();
  for (const code of names.flatMap((name): readonly ErrorCode[] => (isGroup(name) ? GROUPS[name] : [name]))) {
    const status = statusOf(code);
    byStatus.set(status, (byStatus.get(status) ?? new Set()).add(code));
  }
  return Object.fromEntries([...byStatus].map(([status, codes]) => [status, failure([...codes].join(', '))]));
};
