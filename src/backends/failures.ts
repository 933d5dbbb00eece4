import { APIConnectionError, APIConnectionTimeoutError, APIError } from 'openai';
import {
  AppError,
  upstreamBusy,
  upstreamFailed,
  upstreamRejected,
  upstreamTimeout,
  upstreamUnauthorized,
  upstreamUnreachable,
} from '../errors.ts';

/** A run that the upstream ended as failed inside a stream that it had begun. */
export class RunFailed extends Error {
  override readonly name = 'RunFailed';
  /** The upstream's code, such as `server_error` or `rate_limit_exceeded`. */
  readonly code: string | undefined;
  constructor(message: string, code?: string | null) {
    super(message);
    this.code = code ?? undefined;
  }
}

/** What became of a call to the upstream, in our own words. */
export interface Failure {
  readonly error: AppError;
  /** Whether the same call may do better in a moment. */
  readonly transient: boolean;
  /** How long the upstream asked to wait, in milliseconds. */
  readonly waitMs?: number;
}

/** The model cannot take in all that it is told. Runs on the Assistants wire, and some servers, say it in words only. */
export const isContextFull = (thrown: unknown): boolean =>
  (thrown instanceof APIError || thrown instanceof RunFailed) &&
  (thrown.code === 'context_length_exceeded' || /\bcontext (window|length)\b/i.test(thrown.message));

/** Codes that come as a 429 or in a stream, and that no waiting mends: the account has run dry. */
const UNPAID = new Set(['insufficient_quota', 'billing_hard_limit_reached', 'billing_not_active']);
const REJECTED = /^(invalid_|context_length_exceeded|content_policy|image_|unsupported_|model_not_found)/;

/** Classifies whatever a call to the upstream threw. */
export const classify = (thrown: unknown): Failure => {
  const cause = thrown;
  if (thrown instanceof AppError) return { error: thrown, transient: false };
  if (thrown instanceof RunFailed) return classifyCode(thrown.code, cause);
  if (thrown instanceof APIConnectionTimeoutError)
    return { error: upstreamTimeout({ cause }), transient: false };
  if (thrown instanceof APIConnectionError) return { error: upstreamUnreachable({ cause }), transient: true };
  if (thrown instanceof APIError) return classifyApiError(thrown);
  // A socket cut mid-stream is a plain TypeError; broken JSON a SyntaxError; a wrong shape a ZodError.
  return { error: upstreamFailed({ cause }), transient: thrown instanceof TypeError };
};

const classifyApiError = (thrown: APIError): Failure => {
  const cause = thrown;
  const { status } = thrown;
  // Without a status it came as an `error` event inside a stream.
  if (status === undefined || (thrown.code && UNPAID.has(thrown.code)))
    return classifyCode(thrown.code, cause);
  if (status === 401 || status === 403) return { error: upstreamUnauthorized({ cause }), transient: false };
  if (status === 429 || status === 503 || status === 529) return busy(cause, askedWait(thrown.headers));
  if (status === 408 || status === 504) return { error: upstreamTimeout({ cause }), transient: true };
  if (status >= 500) return { error: upstreamFailed({ cause }), transient: true };
  return { error: upstreamRejected({ cause }), transient: status === 409 };
};

const classifyCode = (code: string | null | undefined, cause: unknown): Failure => {
  if (code && UNPAID.has(code)) return { error: upstreamUnauthorized({ cause }), transient: false };
  if (code === 'rate_limit_exceeded') return busy(cause);
  if (code && REJECTED.test(code)) return { error: upstreamRejected({ cause }), transient: false };
  return { error: upstreamFailed({ cause }), transient: true };
};

const busy = (cause: unknown, waitMs?: number): Failure =>
  waitMs === undefined
    ? { error: upstreamBusy({ cause }), transient: true }
    : {
        error: upstreamBusy({ cause, retryAfter: Math.max(1, Math.ceil(waitMs / 1000)) }),
        transient: true,
        waitMs,
      };

/** `Retry-After` in milliseconds: seconds or an HTTP date (RFC 9110, 10.2.3), or OpenAI's `retry-after-ms`. */
const askedWait = (headers: Headers | undefined): number | undefined => {
  const ms = Number(headers?.get('retry-after-ms') || Number.NaN);
  if (Number.isFinite(ms)) return Math.max(0, ms);
  const after = headers?.get('retry-after');
  if (!after) return undefined;
  const seconds = Number(after);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(after) - Date.now();
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined;
};
