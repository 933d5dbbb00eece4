/** The words of the core: visitor, message, exchange, thread. */

/** Who speaks. Visitors are the same only if kind and exact text of the id are. */
export interface Visitor {
  /**
   * `user`: named by a `user_id` on trust. `verified`: named by a `user_id` that the site has verified.
   * `anonymous`: known by its session alone.
   *
   * The same `user_id` on trust and verified are two visitors: whoever used it before the site verified
   * it may have been another, so neither thread nor transcript goes over.
   */
  readonly kind: 'user' | 'verified' | 'anonymous';
  /** The `user_id`, or the id of the anonymous session. */
  readonly id: string;
}

/** A text that is the same for the same visitor and for no other. */
export const visitorKey = (visitor: Visitor): string => `${visitor.kind.slice(0, 1)}:${visitor.id}`;

const KINDS: Record<string, Visitor['kind']> = { u: 'user', v: 'verified', a: 'anonymous' };

/** The visitor of a {@link visitorKey}. */
export const visitorOf = (key: string): Visitor => ({
  kind: KINDS[key.slice(0, 1)] ?? 'user',
  id: key.slice(2),
});

/** Tokens that a run cost, as the upstream counted them. */
export interface Usage {
  readonly input: number;
  readonly output: number;
}

/** A document that an answer quotes. */
export interface Source {
  /** The number by which the answer's text marks it: `[1]`. */
  readonly n: number;
  readonly title: string;
  readonly url?: string;
  /** Where in the document: a heading, a page. */
  readonly place?: string;
}

/** What a visitor thought of an answer. */
export interface Feedback {
  readonly rating: 'up' | 'down';
  readonly comment?: string;
}

/** How a run went, for operators. */
export interface RunDetails {
  /** The backend that answered, or failed last. */
  readonly backend: string;
  readonly model?: string;
  /** Milliseconds from the message to the start of its run, to the first word, and to the end of the turn. */
  readonly queuedMs?: number;
  readonly firstWordMs?: number;
  readonly totalMs: number;
  /** Names of the functions that were called, in order. */
  readonly tools?: readonly string[];
}

/** A message as it is recorded before anything is spent on it. */
export interface AcceptedMessage {
  /** Names the exchange; at least 122 random bits. */
  readonly id: string;
  readonly visitor: Visitor;
  /** The visitor's message. */
  readonly user: string;
  /** When the message came: seconds since 1970, to the millisecond. */
  readonly timestamp: number;
  /** Stands for the visitor and the idempotency key that came with the message; never the key itself. */
  readonly key?: string | undefined;
  /** What the visitor calls itself, if it told. */
  readonly name?: string | undefined;
}

/** A message and what became of it. */
export interface Exchange extends AcceptedMessage {
  /** The answer; null where the turn failed. */
  readonly bot: string | null;
  /** Why the turn failed: an ErrorCode. */
  readonly error?: string;
  /** The answer was cut short. */
  readonly truncated?: true;
  readonly usage?: Usage;
  /** The documents that the answer quotes. */
  readonly sources?: readonly Source[];
  /** What the visitor thought of it; set after the exchange. */
  readonly feedback?: Feedback;
  /** Categories for which moderation refused the message; no run was spent on it then. */
  readonly flagged?: readonly string[];
  /** The assistant said that it does not know. */
  readonly unanswered?: true;
  readonly run?: RunDetails;
}

/** A visitor's thread at the upstream: a cache of our transcript. */
export interface UpstreamThread {
  /** The upstream's id of it. */
  readonly id: string;
  /** What made it (backend, server, account, …); a thread made by another is not used. */
  readonly madeBy: string;
}

/** What ops see of a visitor. */
export interface VisitorSummary {
  /** visitorKey() of the visitor: where the next page goes on. */
  readonly key: string;
  readonly visitor: Visitor;
  /** Exchanges in the live log that were not cleared. */
  readonly messages: number;
  /** When the last of them came: seconds since 1970. */
  readonly lastSeen: number;
  /** What the visitor last called itself, if it ever told. */
  readonly name?: string;
}
