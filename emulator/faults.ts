/** How calls can be told to fail. Set by the process that made the emulator, never by message text. */

import { ENDPOINTS, type Endpoint } from './endpoints.ts';

/** Codes that a failed response or run may carry. */
export type FailureCode = 'server_error' | 'rate_limit_exceeded' | 'invalid_prompt';

/**
 * What goes wrong. `afterDeltas` says after how many streamed words, or pieces of a call's arguments (by default
 * after 3, `end-early` after all); an answer with fewer fails at its end, before its final event. An answer that
 * is not streamed fails in the way that comes nearest.
 */
export type Fault =
  /** An error answer; `html` sends a web page and `body` the given text instead of OpenAI's error object. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly retryAfter?: number | string;
      readonly html?: true;
      readonly body?: string;
      readonly code?: string;
      readonly message?: string;
    }
  /** The connection is reset before any byte of an answer. */
  | { readonly kind: 'refused' }
  /** Nothing comes until `release()`. */
  | { readonly kind: 'hang-before-headers' }
  /** The stream falls silent until `release()`. */
  | { readonly kind: 'hang-mid-stream'; readonly afterDeltas?: number }
  /** As `hang-mid-stream`, by default before the first word: to have a turn in flight. */
  | { readonly kind: 'hold'; readonly afterDeltas?: number }
  /** The socket is cut. The answer is completed and remembered all the same. */
  | { readonly kind: 'cut'; readonly afterDeltas?: number }
  /** The stream ends cleanly without its final event. The answer is completed and remembered all the same. */
  | { readonly kind: 'end-early'; readonly afterDeltas?: number }
  /** An event that is not JSON. The answer is completed and remembered all the same. */
  | { readonly kind: 'malformed-sse'; readonly afterDeltas?: number }
  /** `response.failed`, `thread.run.failed`; at chat completions an `{"error": …}` line. */
  | { readonly kind: 'failed'; readonly code?: FailureCode; readonly afterDeltas?: number }
  /** An `error` event. */
  | { readonly kind: 'error-event'; readonly code?: FailureCode; readonly afterDeltas?: number }
  /** `response.incomplete`, `thread.run.incomplete`, finish_reason `length` or `content_filter`. */
  | {
      readonly kind: 'incomplete';
      readonly reason: 'max_output_tokens' | 'content_filter';
      readonly afterDeltas?: number;
    }
  /** The answer is a refusal (on the Assistants and Chat wires, too). */
  | { readonly kind: 'refusal' }
  /** A message of phase `commentary` comes before the answer. */
  | { readonly kind: 'commentary' }
  /** The conversation is said to be locked, or the thread's run to be active, while nothing is in flight. */
  | { readonly kind: 'locked' }
  /** The run ends so. */
  | { readonly kind: 'expired' | 'cancelled'; readonly afterDeltas?: number }
  /** The run calls a function that nobody has; its thread is busy until outputs come or the run is cancelled. */
  | { readonly kind: 'requires_action' }
  /**
   * The input is said to be longer than the model can read: a 400 with code `context_length_exceeded`. With
   * `inStream` the answer begins and then fails: `response.failed` with that code (or, as OpenAI does too, an
   * `error` event whose error is nested); at chat completions an `{"error": …}` line. At runs it is always
   * `thread.run.failed`, with `server_error`, since the wire has no code for it.
   */
  | { readonly kind: 'context-full'; readonly inStream?: true | 'error-event' };

export type FaultKind = Fault['kind'];

const RUNS: readonly Endpoint[] = ['runs', 'runs.submit'];
const GENERATING: readonly Endpoint[] = ['responses', ...RUNS, 'completions'];

/** Where a kind of fault can strike. */
const PLACES: Record<FaultKind, readonly Endpoint[]> = {
  status: ENDPOINTS,
  refused: ENDPOINTS,
  'hang-before-headers': ENDPOINTS,
  'hang-mid-stream': ENDPOINTS,
  hold: ENDPOINTS,
  cut: ENDPOINTS,
  'end-early': ENDPOINTS,
  'malformed-sse': ENDPOINTS,
  failed: GENERATING,
  'error-event': GENERATING,
  incomplete: GENERATING,
  refusal: GENERATING,
  commentary: ['responses'],
  locked: ['responses', 'items', 'runs', 'messages'],
  requires_action: RUNS,
  expired: RUNS,
  cancelled: RUNS,
  'context-full': GENERATING,
};

export interface FaultRule {
  /** Where it strikes; absent: wherever this kind of fault can. */
  readonly on?: Endpoint | readonly Endpoint[];
  /** How often it strikes; 1 if absent. */
  readonly times?: number;
  readonly fault: Fault;
}

/** A rule that was set. */
export interface FaultHandle {
  /** How often it has struck. */
  readonly struck: number;
  /** How many calls it holds or hangs now. */
  readonly holds: number;
  /** Lets the calls that it holds or hangs go on. */
  release(): void;
  /** It strikes no more. What it holds stays held. */
  remove(): void;
}

/** A fault that strikes a call, and the place where what it stops waits for its release. */
export interface Strike {
  readonly fault: Fault;
  /** Waits until released, or given up for good; gives a function that ends the wait with neither. */
  pause(goOn: () => void, giveUp?: () => void): () => void;
}

interface Waiting {
  readonly goOn: () => void;
  readonly giveUp: () => void;
}

class Rule implements FaultHandle, Strike {
  readonly fault: Fault;
  readonly #places: readonly Endpoint[];
  readonly #waiting = new Set<Waiting>();
  #left: number;
  #struck = 0;
  /** How often it had struck when it was released last. */
  #releasedAt = 0;

  constructor({ on, times = 1, fault }: FaultRule) {
    const possible = PLACES[fault.kind];
    this.#places = on === undefined ? possible : [on].flat().filter((place) => possible.includes(place));
    if (this.#places.length === 0) throw new RangeError(`A fault '${fault.kind}' cannot strike on '${on}'.`);
    this.fault = fault;
    this.#left = times;
  }

  get struck(): number {
    return this.#struck;
  }

  get holds(): number {
    return this.#waiting.size;
  }

  get over(): boolean {
    return this.#left <= 0 && this.#waiting.size === 0;
  }

  strikes(endpoint: Endpoint): boolean {
    if (this.#left <= 0 || !this.#places.includes(endpoint)) return false;
    this.#left -= 1;
    this.#struck += 1;
    return true;
  }

  pause(goOn: () => void, giveUp: () => void = () => {}): () => void {
    if (this.#struck === this.#releasedAt) {
      // Released between the call and its pause: whoever released it does not know of the pause.
      const soon = setImmediate(goOn);
      return () => clearImmediate(soon);
    }
    const waiting = { goOn, giveUp };
    this.#waiting.add(waiting);
    return () => this.#waiting.delete(waiting);
  }

  release(): void {
    this.#releasedAt = this.#struck;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const { goOn } of waiting) goOn();
  }

  remove(): void {
    this.#left = 0;
  }

  /** Gives up what it holds. */
  forget(): void {
    this.#left = 0;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const { giveUp } of waiting) giveUp();
  }
}

/** The rules in force, in the order in which they were set. */
export class Faults {
  #rules: Rule[] = [];

  /** @throws RangeError where this kind of fault cannot strike at that place. */
  add(given: FaultRule): FaultHandle {
    const rule = new Rule(given);
    this.#rules = this.#rules.filter((old) => !old.over);
    this.#rules.push(rule);
    return rule;
  }

  /** The fault that strikes this call, if one does. */
  strike(endpoint: Endpoint): Strike | undefined {
    return this.#rules.length === 0 ? undefined : this.#rules.find((rule) => rule.strikes(endpoint));
  }

  release(): void {
    for (const rule of this.#rules) rule.release();
  }

  clear(): void {
    for (const rule of this.#rules) rule.forget();
    this.#rules = [];
  }
}
