import { APIConnectionError, APIError } from 'openai';
import { fields, json, name, text } from './lenient.ts';

/** A run that the upstream ended as failed inside a stream that had started. */
export class RunFailed extends Error {
  override readonly name = 'RunFailed';
  /** The upstream's code, such as `server_error`; some servers put an HTTP status here. */
  readonly code: string | undefined;
  readonly type: string | undefined;
  constructor(message: string, code?: string, type?: string) {
    super(message);
    this.code = code;
    this.type = type;
  }
}

/** The failure in an `error` of a stream, whatever its form; undefined where there is none. */
export const failureIn = (error: unknown): RunFailed | undefined => {
  if (typeof error === 'string') return new RunFailed(error);
  const given = fields(error);
  if (Object.keys(given).length === 0) return undefined;
  const message = withProvidersWords(text(given.message) ?? json(error) ?? 'error in the stream', given);
  return new RunFailed(message, name(given.code) ?? name(given.status), text(given.type));
};

/** A gateway's message with what the provider behind it said, which alone tells what was wrong (OpenRouter's `metadata.raw`). */
export const withProvidersWords = (message: string, error: Readonly<Record<string, unknown>>): string => {
  const raw = json(fields(error.metadata).raw);
  return raw === undefined ? message : `${message}: ${raw.slice(0, 2_000)}`;
};

/** What an upstream said of a failure, in one form. */
export interface UpstreamFault {
  /** The HTTP status; inside a stream the code, where it is one. */
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly type: string | undefined;
  readonly param: string | undefined;
  readonly message: string;
  readonly headers: Headers | undefined;
}

/** @returns Undefined where the upstream said nothing: there was no connection, say. */
export const faultOf = (thrown: unknown): UpstreamFault | undefined => {
  if (thrown instanceof APIConnectionError) return undefined;
  if (thrown instanceof APIError) {
    // The SDK's types say that these are texts; some servers send numbers.
    const code = name(thrown.code);
    const status = thrown.status ?? statusIn(code);
    const { message, headers } = thrown;
    return { status, code, type: text(thrown.type), param: text(thrown.param), message, headers };
  }
  if (!(thrown instanceof RunFailed)) return undefined;
  const { code, type, message } = thrown;
  return { status: statusIn(code), code, type, param: undefined, message, headers: undefined };
};

const statusIn = (code: string | undefined): number | undefined =>
  code !== undefined && /^[45]\d\d$/.test(code) ? Number(code) : undefined;

/** The account has run dry: no waiting helps. */
const UNPAID_CODE = /^(insufficient_(quota|credits|balance|funds)|billing_\w+|payment_required|credit_\w+)$/;
const UNPAID_WORDS =
  /insufficient (credits?|quota|balance|funds)|credit balance is too low|payment required|exceeded your current quota/i;
export const isUnpaid = ({ status, code, type, message }: UpstreamFault): boolean =>
  status === 402 || [code, type].some((word) => UNPAID_CODE.test(word ?? '')) || UNPAID_WORDS.test(message);

/** The model is not there, or not any more. */
const MODEL_CODE =
  /^(model_(not_found|decommissioned|deprecated|not_available|not_supported|retired)|unknown_model)$/;
const MODEL_WORDS =
  /\bmodel\b.{0,120}\b(does not exist|not found|decommissioned|deprecated|no longer (available|supported)|been (retired|removed|shut down))/is;
export const isModelGone = ({ status, code, type, message }: UpstreamFault): boolean =>
  MODEL_CODE.test(code ?? '') ||
  MODEL_CODE.test(type ?? '') ||
  ((status === 404 || status === 400 || status === 410) && MODEL_WORDS.test(message));

const BUSY_CODE =
  /rate_?limit|throttl|too_many_requests|overload|slow_down|resource_exhausted|capacity_exceeded/i;
const BUSY_STATUS: ReadonlySet<number | undefined> = new Set([429, 498, 503, 529]);
export const isBusy = ({ status, code, type }: UpstreamFault): boolean =>
  BUSY_STATUS.has(status) || BUSY_CODE.test(code ?? '') || BUSY_CODE.test(type ?? '');

/** Parameters that hold the thread, or what it is told. */
const THREAD_PARAM =
  /^(input|conversation|thread|thread_id|messages?|additional_messages|items|previous_response_id|tool_outputs)\b/;
const THREAD_STATUS: ReadonlySet<number | undefined> = new Set([400, 404, 410, 413, 422]);

/**
 * Whether it may be the thread that the upstream refuses, so that a fresh one may do: it is gone, or broken in one of
 * many ways. Not where the upstream names another reason.
 */
export const mayBeTheThread = (thrown: unknown): boolean => {
  const fault = faultOf(thrown);
  if (!fault || isUnpaid(fault) || isModelGone(fault) || isBusy(fault)) return false;
  const { status, param, code } = fault;
  if (param !== undefined && !THREAD_PARAM.test(param)) return false;
  return THREAD_STATUS.has(status) && !/^(invalid_prompt|invalid_api_key|content_|image_)/.test(code ?? '');
};

const KEY_CODE =
  /^(invalid_api_key|invalid_authentication|authentication_error|permission_(denied|error)|unauthorized|account_deactivated)$/;
export const isKeyRefused = ({ status, code, type }: UpstreamFault): boolean =>
  status === 401 || status === 403 || KEY_CODE.test(code ?? '') || KEY_CODE.test(type ?? '');
