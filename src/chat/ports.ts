/**
 * What the core needs of the world, and the words it speaks: visitor, thread, message, run, exchange.
 * `backends/`, `stores/` and `limits/` implement these; `main.ts` alone puts them together.
 */

/** Who speaks. Visitors are the same only if kind and exact text of the id are. */
export interface Visitor {
  /** `user`: named by a `user_id`. `anonymous`: known by its session alone. */
  readonly kind: 'user' | 'anonymous';
  /** The `user_id`, or the id of the anonymous session. */
  readonly id: string;
}

/** A text that is the same for the same visitor and for no other. */
export const visitorKey = (visitor: Visitor): string =>
  `${visitor.kind === 'user' ? 'u' : 'a'}:${visitor.id}`;

/** Tokens that a run cost, as the upstream counted them. */
export interface Usage {
  readonly input: number;
  readonly output: number;
}

/** A message that was taken: what is durable before anything is spent on it. */
export interface TakenMessage {
  /** Names the exchange; at least 122 random bits. */
  readonly id: string;
  readonly visitor: Visitor;
  /** The visitor's message. */
  readonly user: string;
  /** When the message came: seconds since 1970, to the millisecond. */
  readonly timestamp: number;
}

/** A message and what became of it. */
export interface Exchange extends TakenMessage {
  /** The answer; null where the turn failed. */
  readonly bot: string | null;
  /** Why the turn failed: an ErrorCode. */
  readonly error?: string;
  /** The answer was cut short. */
  readonly truncated?: true;
  readonly usage?: Usage;
}

/** A visitor's thread at the upstream: a cache of our transcript. */
export interface UpstreamThread {
  /** The upstream's id of it. */
  readonly id: string;
  /** What made it (backend, server, account, …); a thread made by another is not used. */
  readonly madeBy: string;
}

/** Where transcript, thread map and counts live. Every write is durable when its promise resolves. */
export interface Store {
  /**
   * Records that a message was taken, before anything is spent on it.
   * @throws AppError `log_unavailable` at once where nothing can be written; then nothing is kept of it.
   */
  begin(message: TakenMessage): Promise<void>;
  /**
   * Records the exchange (once: a second one of the same id is ignored). While nothing can be written the
   * exchange is kept in memory and the promise waits; it resolves when the exchange is durable.
   * @throws AppError `log_unavailable` only where the memory for waiting exchanges is full too.
   */
  finish(exchange: Exchange): Promise<void>;
  /** Messages that a crash cut off: begun by an earlier process and never finished. */
  interrupted(): Promise<TakenMessage[]>;
  /** A visitor's exchanges, newest first, at most `limit`, those older than the exchange `before` if given. */
  recent(visitor: Visitor, page: { limit: number; before?: string }): Promise<Exchange[]>;
  thread(visitor: Visitor): Promise<UpstreamThread | undefined>;
  /** Keeps (or, with undefined, forgets) a visitor's upstream thread. Does not wait for the disk: what a later write makes durable includes it. */
  setThread(visitor: Visitor, thread: UpstreamThread | undefined): void;
  /** A small fact that was kept under a name. */
  fact(name: string): Promise<string | undefined>;
  /** Keeps a fact; as durable as a thread. An empty value forgets it. */
  setFact(name: string, value: string): void;
  /** Adds one to the day's count of messages and gives the new count; atomic. */
  countMessage(day: string): Promise<number>;
  /** Whether writing works now and, if not, why: a text for ops, which may name paths. */
  health(): { ok: true } | { ok: false; reason: string };
  /** Writes what is left and lets go of the store. Nothing may be written after it. */
  close(): Promise<void>;
}

/** What a backend reports of a run, in order. */
export type RunEvent =
  /** A thread was made (or replaced) for this visitor. */
  | { readonly type: 'thread'; readonly thread: UpstreamThread }
  | { readonly type: 'delta'; readonly text: string }
  /** Functions of the assistant are being called: the run cannot be begun again without doing their work twice. */
  | { readonly type: 'called' }
  /** The run is complete. Always the last; a run without it has failed. */
  | { readonly type: 'end'; readonly truncated: boolean; readonly usage?: Usage };

export interface RunRequest {
  /** Names the exchange that the run belongs to. */
  readonly exchangeId: string;
  readonly visitor: Visitor;
  /** Whether the site itself vouches for who the visitor is. */
  readonly verified: boolean;
  readonly message: string;
  /** The visitor's thread, if there is one; it may have been made by another backend. */
  readonly thread: UpstreamThread | undefined;
  /**
   * What of the transcript a stateless upstream, or a thread made anew, is told; oldest first.
   * @param share The part of the usual length, 0 to 1, where all of it was too much.
   */
  history(share?: number): Promise<readonly Exchange[]>;
  /** Ends the run, at the upstream too. Its reason is an AppError. */
  readonly signal: AbortSignal;
  /** When the whole turn must be over: milliseconds since 1970. */
  readonly deadline: number;
}

/** An upstream that runs the assistant. */
export interface Backend {
  readonly name: string;
  /**
   * Runs the assistant on one message.
   * @throws AppError with an `upstream_…` code, or the signal's reason.
   */
  run(request: RunRequest): AsyncIterable<RunEvent>;
}

/** The site's bound on messages a day. */
export interface Budget {
  /** @throws AppError `budget_spent` with the seconds until the next day. */
  take(): Promise<void>;
}

/** The wall clock, injected. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
}

/** The few words of a logger that the rooms use; pino's is one. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
