import { faultOf, isBusy, isUnpaid, type UpstreamFault } from './upstream-fault.ts';

/** Codes and types that say it outright. */
const OVERFLOW_CODE =
  /context_(length|window|size)|exceed_context|prompt_too_(long|large)|request_too_large|string_above_max_length|token(s)?_limit_(reached|exceeded)|input_too_(long|large)/i;

/** What is too long, and that it is. Each server has words of its own; the two together mean the same everywhere. */
const WHAT =
  /\bcontext\b|\bprompts?\b|\binputs?\b|\btokens?\b|\bmessages?\b|\bsequence\b|\bn_ctx\b|\bnum_ctx\b/i;
const TOO_MUCH =
  /too (long|large|big|many tokens)|exceed|overflow|(longer|larger|greater|more) than|must be (<=?|less|at most|smaller|shorter)|\bmaximum\b|\bat most\b|\bover the\b|\blimit(ed)? (is|of|to)\b|does(n't| not) fit|reduce (the|your)|length should be|range of/i;

/** "Limit 6000, Requested 12000": one request that no waiting makes fit. */
const REQUESTED = /\blimit:? (\d+)\b.*?\brequested:? (\d+)/is;
const isLargerThanLimit = (message: string): boolean => {
  const [, limit, requested] = REQUESTED.exec(message.replaceAll(/(\d),(?=\d{3})/g, '$1')) ?? [];
  return limit !== undefined && requested !== undefined
    ? Number(requested) > Number(limit)
    : /request too large/i.test(message);
};

/** Parameters that hold the model's input; absent: the server does not say which. */
const TOLD = /^(input|messages?|prompt|conversation|thread|additional_messages|items|contents?|inputs)\b/;
/** A longest answer that is more than the model can give is a fault of that setting, whatever is sent. */
const ANSWER_LENGTH = /max_(completion_|output_)?tokens/;

const STATUSES: ReadonlySet<number | undefined> = new Set([400, 413, 422, 500, undefined]);

/**
 * Whether the input is too long for the model: by its code, or by the meaning of its words, as servers say it in
 * twenty ways and with four statuses.
 */
export const isContextFull = (thrown: unknown): boolean => {
  const fault = faultOf(thrown);
  return fault !== undefined && isOverflow(fault);
};

const isOverflow = (fault: UpstreamFault): boolean => {
  const { status, code = '', type = '', param, message } = fault;
  if (isUnpaid(fault)) return false;
  if (OVERFLOW_CODE.test(code) || OVERFLOW_CODE.test(type) || status === 413) return true;
  if (isBusy(fault)) return isLargerThanLimit(message);
  if (!STATUSES.has(status) || (param !== undefined && !TOLD.test(param))) return false;
  if (ANSWER_LENGTH.test(message) && !/\bcontext\b|\bprompts?\b|\binputs?\b|\bmessages\b/i.test(message))
    return false;
  return (WHAT.test(message) && TOO_MUCH.test(message)) || isLargerThanLimit(message);
};

/** A refusal whose reason is not known: it may be an overflow in words that nobody foresaw. */
export const isUnknownRefusal = (thrown: unknown): boolean => {
  const fault = faultOf(thrown);
  if (!fault || isUnpaid(fault) || isBusy(fault)) return false;
  const { status, code, param } = fault;
  return (
    (status === 400 || status === 422 || status === 500) &&
    (param === undefined || TOLD.test(param)) &&
    !/^(invalid_prompt|content_|image_|model_)/.test(code ?? '')
  );
};
