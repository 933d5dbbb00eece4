import { APIConnectionError, APIConnectionTimeoutError } from 'openai';
import {
  AppError,
  upstreamBusy,
  upstreamFailed,
  upstreamRejected,
  upstreamTimeout,
  upstreamUnauthorized,
  upstreamUnreachable,
} from '../errors.ts';
import { isContextFull } from './overflow.ts';
import {
  faultOf,
  isBusy,
  isKeyRefused,
  isModelGone,
  isUnpaid,
  type UpstreamFault,
} from './upstream-fault.ts';

/** What became of a call to the upstream, in our own words. */
export interface Failure {
  readonly error: AppError;
  /** Whether the same call may do better in a moment. */
  readonly transient: boolean;
  /** How long the upstream asked to wait, in milliseconds. */
  readonly waitMs?: number;
}

/** 522 and 524 are Cloudflare's. */
const TIMED_OUT: ReadonlySet<number> = new Set([408, 504, 522, 524]);

const REJECTED_CODE = /^(invalid_|content_policy|content_filter|image_|unsupported_)/;

/** Classifies whatever a call to the upstream threw. */
export const classify = (thrown: unknown): Failure => {
  const cause = thrown;
  if (thrown instanceof AppError) return { error: thrown, transient: false };
  if (thrown instanceof APIConnectionTimeoutError)
    return { error: upstreamTimeout({ cause }), transient: false };
  if (thrown instanceof APIConnectionError) return { error: upstreamUnreachable({ cause }), transient: true };
  const fault = faultOf(thrown);
  // A socket cut mid-stream is a plain TypeError; broken JSON a SyntaxError; a wrong shape a ZodError.
  if (!fault) return { error: upstreamFailed({ cause }), transient: thrown instanceof TypeError };
  const failure = classifyFault(fault, cause);
  const saysItself = fault.headers?.get('x-should-retry');
  return saysItself === 'true' || saysItself === 'false'
    ? { ...failure, transient: saysItself === 'true' }
    : failure;
};

const classifyFault = (fault: UpstreamFault, cause: unknown): Failure => {
  const { status, code = '', headers } = fault;
  const lasting = (error: AppError): Failure => ({ error, transient: false });
  const passing = (error: AppError): Failure => ({ error, transient: true });
  if (isUnpaid(fault)) return lasting(upstreamUnauthorized({ cause }));
  if (isContextFull(cause)) return lasting(upstreamRejected({ cause }));
  if (isKeyRefused(fault)) return lasting(upstreamUnauthorized({ cause }));
  if (isModelGone(fault)) return lasting(upstreamRejected({ cause }));
  if (isBusy(fault)) return busy(cause, askedWait(headers));
  if (status !== undefined && TIMED_OUT.has(status)) return passing(upstreamTimeout({ cause }));
  if (status !== undefined && status >= 500) return passing(upstreamFailed({ cause }));
  if (status !== undefined) return { error: upstreamRejected({ cause }), transient: status === 409 };
  return REJECTED_CODE.test(code) ? lasting(upstreamRejected({ cause })) : passing(upstreamFailed({ cause }));
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
