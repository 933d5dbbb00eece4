/** What an answer will be: its text or its function calls, in pieces, and how it ends. The same for all wires. */

import { piecesOf } from './answer.ts';
import { CONTEXT_FULL } from './api-error.ts';
import type { FailureCode, Fault } from './faults.ts';
import type { MadeCall, Said } from './tools.ts';

export type Ending =
  | { readonly kind: 'completed' }
  | { readonly kind: 'incomplete'; readonly reason: 'max_output_tokens' | 'content_filter' }
  | {
      readonly kind: 'failed' | 'error-event';
      readonly code: FailureCode | typeof CONTEXT_FULL.code;
      readonly message: string;
    }
  | { readonly kind: 'expired' | 'cancelled' };

/** A function call whose arguments are streamed in pieces; at least one. */
export interface PlannedCall extends MadeCall {
  readonly pieces: readonly string[];
}

export interface Plan {
  /** What is streamed, piece by piece: words, or the arguments of the calls, one call after the other. */
  readonly pieces: readonly string[];
  /** Empty where functions are called. */
  readonly text: string;
  readonly calls: readonly PlannedCall[];
  readonly refusal: boolean;
  readonly commentary: string | undefined;
  readonly ending: Ending;
}

const REFUSAL = "I'm sorry, but I cannot help with that.";
const COMMENTARY = 'Let me look at what you have told me so far.';
const FAILURE = 'The server had an error processing your request. Sorry about that!';

/** After how many pieces a broken answer breaks off, where the fault does not say. */
const BREAKS_AFTER = 3;

const endingOf = (fault: Fault | undefined): Ending => {
  switch (fault?.kind) {
    case 'incomplete':
      return { kind: 'incomplete', reason: fault.reason };
    case 'failed':
    case 'error-event':
      return { kind: fault.kind, code: fault.code ?? 'server_error', message: FAILURE };
    case 'context-full':
      return { kind: fault.inStream === 'error-event' ? 'error-event' : 'failed', ...CONTEXT_FULL };
    case 'expired':
    case 'cancelled':
      return { kind: fault.kind };
    default:
      return { kind: 'completed' };
  }
};

const cutAfter = (fault: Fault | undefined): number => {
  switch (fault?.kind) {
    case 'incomplete':
    case 'failed':
    case 'error-event':
    case 'expired':
    case 'cancelled':
      return fault.afterDeltas ?? BREAKS_AFTER;
    case 'context-full':
      return 0;
    default:
      return Number.POSITIVE_INFINITY;
  }
};

/** Arguments as they are streamed; no character is cut in two. */
const argumentPieces = (text: string): string[] => text.match(/.{1,8}/gsu) ?? [''];

/** As many of the calls, and of the last one's arguments, as so many pieces are. */
const cutCalls = (calls: readonly PlannedCall[], limit: number): PlannedCall[] => {
  const kept: PlannedCall[] = [];
  let left = limit;
  for (const call of calls) {
    if (left <= 0) break;
    const pieces = call.pieces.slice(0, left);
    kept.push({ ...call, pieces, arguments: pieces.join('') });
    left -= pieces.length;
  }
  return kept;
};

/**
 * @param said What the model would do.
 * @param maxTokens The caller's limit on the answer; a piece counts as one token.
 */
export const planOf = (said: Said, fault: Fault | undefined, maxTokens: number | null | undefined): Plan => {
  const refusal = fault?.kind === 'refusal';
  const wanted = refusal
    ? []
    : said.calls.map((call) => ({ ...call, pieces: argumentPieces(call.arguments) }));
  const calling = wanted.length > 0;
  const all = calling ? wanted.flatMap(({ pieces }) => pieces) : piecesOf(refusal ? REFUSAL : said.text);
  const limit = maxTokens ?? Number.POSITIVE_INFINITY;
  const ending = endingOf(fault);
  const tooLong = all.length > limit && ending.kind === 'completed';
  const length = Math.min(cutAfter(fault), limit);
  const pieces = all.slice(0, length);
  return {
    pieces,
    text: calling ? '' : pieces.join(''),
    calls: calling ? cutCalls(wanted, length) : wanted,
    refusal,
    commentary: fault?.kind === 'commentary' ? COMMENTARY : undefined,
    ending: tooLong ? { kind: 'incomplete', reason: 'max_output_tokens' } : ending,
  };
};

/** A piece of a call's arguments. */
export interface CallPiece {
  readonly call: PlannedCall;
  /** Which of the calls it belongs to. */
  readonly index: number;
  /** It is the first of its call. */
  readonly opens: boolean;
  readonly text: string;
}

/** The pieces of all calls, in the order in which they are streamed: as `plan.pieces`. */
export const callPieces = (calls: readonly PlannedCall[]): CallPiece[] =>
  calls.flatMap((call, index) => call.pieces.map((text, at) => ({ call, index, opens: at === 0, text })));
