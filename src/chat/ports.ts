/**
 * What the core needs of the world, and the words it speaks: visitor, thread, message, run, exchange.
 * `backends/`, `stores/` and `limits/` implement these; `main.ts` alone puts them together.
 */

/** Who speaks. Visitors are the same only if kind and exact text of the id are. */
export interface Visitor {
  /**
   * `user`: named by a `user_id` on trust. `verified`: named by a `user_id` that the site vouches for.
   * `anonymous`: known by its session alone.
   *
   * The same `user_id` on trust and verified are two visitors: whoever spoke under it before the site vouched for
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

/** A message that was taken: what is durable before anything is spent on it. */
export interface TakenMessage {
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

/** What became of a message that was offered to the store. */
export type Begun =
  /** It was taken. */
  | {
      readonly type: 'taken';
      /**
       * Resolves when no earlier message of this visitor runs any more, in whichever process, and what became of them
       * is in the transcript.
       * @throws The signal's reason.
       */
      mayRun(signal: AbortSignal): Promise<void>;
    }
  /** Nothing was taken: its key stands for this exchange already, which another process took at the same time. */
  | { readonly type: 'known'; readonly id: string };

/** Where transcript, thread map and counts live. Every write is durable when its promise resolves. */
export interface Store {
  /**
   * Records that a message was taken, before anything is spent on it.
   * @throws AppError `log_unavailable` at once where nothing can be written; then nothing is kept of it.
   * @throws AppError `thread_busy` where too many of the visitor's messages wait, in all processes together.
   */
  begin(message: TakenMessage): Promise<Begun>;
  /**
   * Records the exchange (once: a second one of the same id is ignored). While nothing can be written the
   * exchange is kept in memory and the promise waits; it resolves when the exchange is durable.
   * @throws AppError `log_unavailable` only where the memory for waiting exchanges is full too, and where the
   * message is this process's no more: it was silent so long that another has logged the turn as failed.
   */
  finish(exchange: Exchange): Promise<void>;
  /** A message that was taken and is not finished, in whichever process. */
  unfinished(id: string): Promise<TakenMessage | undefined>;
  /** Asks the process that runs an unfinished message to stop it. */
  requestStop(id: string): Promise<void>;
  /** Calls `stop` for each message of this process that another has asked to stop. */
  onStopRequested(stop: (id: string) => void): void;
  /**
   * The id of the message that was last begun with this `key`, for 24 hours at least, unless too many came after it.
   * What became of it is for the caller to look at.
   */
  keyed(key: string): Promise<string | undefined>;
  /** An exchange by its id, with whose it is. Undefined where it is nobody's (an older log's), or not in the live log. */
  exchange(id: string): Promise<Exchange | undefined>;
  /** Messages that a crash cut off: begun by a process that is gone and never finished. Each is given to one caller. */
  interrupted(): Promise<TakenMessage[]>;
  /** A visitor's exchanges, newest first, at most `limit`, those older than the exchange `before` if given. */
  recent(visitor: Visitor, page: { limit: number; before?: string }): Promise<Exchange[]>;
  /**
   * Takes a visitor's exchanges out of `recent`, and forgets the thread.
   * @param keepLog Whether they stay in the log, where only ops see them.
   * @throws AppError `log_unavailable`
   */
  clear(visitor: Visitor, keepLog: boolean): Promise<void>;
  /**
   * Visitors in an order of the store's own, at most `limit`, those after the key `after` if given, and those alone
   * who last called themselves `name` if given.
   */
  visitors(page: { limit: number; after?: string; name?: string }): Promise<VisitorSummary[]>;
  /**
   * Remembers for good that the site has vouched for a `user_id`.
   * @throws AppError `log_unavailable`
   */
  vouch(userId: string): Promise<void>;
  isVouched(userId: string): Promise<boolean>;
  /**
   * Remembers that a token has ended; atomic.
   * @param until When the token would have ended by itself and may be forgotten: seconds since 1970.
   * @returns Whether it had not ended before.
   * @throws AppError `log_unavailable`
   */
  endToken(id: string, until: number): Promise<boolean>;
  hasEnded(tokenId: string): Promise<boolean>;
  thread(visitor: Visitor): Promise<UpstreamThread | undefined>;
  /** Keeps (or, with undefined, forgets) a visitor's upstream thread. Does not wait for the disk: what a later write makes durable includes it. */
  setThread(visitor: Visitor, thread: UpstreamThread | undefined): void;
  /** A small fact that was kept under a name. */
  fact(name: string): Promise<string | undefined>;
  /** Keeps a fact; as durable as a thread. An empty value forgets it. */
  setFact(name: string, value: string): void;
  /** Adds one to the day's count of messages (or takes one back) and gives the new count; atomic. */
  countMessage(day: string, by?: 1 | -1): Promise<number>;
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
  /** Gives one back that was taken for a message which was then refused. */
  giveBack(): Promise<void>;
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
