import type { Strings } from '../strings/en.ts';

const BUSY = [
  'upstream_busy',
  'overloaded',
  'shutting_down',
  'thread_busy',
  'log_unavailable',
  'rate_limited',
];
const UNAVAILABLE = ['upstream_unauthorized', 'not_found', 'forbidden', 'method_not_allowed'];

/** What a visitor is told of a failure, in the visitor's language. @param message The service's own words, in English. */
export const failureText = (code: string, message: string, strings: Strings): string => {
  if (code === 'connection_lost') return strings.lost;
  if (code === 'body_too_large') return strings.tooLong;
  if (code === 'budget_spent') return strings.budget;
  if (BUSY.includes(code)) return strings.busy;
  if (UNAVAILABLE.includes(code)) return strings.unavailable;
  // It names what is wrong with this very message.
  if (code === 'invalid_request' && message) return message;
  return strings.failed;
};
