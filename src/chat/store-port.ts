/** What the core needs of a store; `stores/` implements it. Each consumer asks for the small port that it uses. */

import type {
  AcceptedMessage,
  Exchange,
  Feedback,
  UpstreamThread,
  Visitor,
  VisitorSummary,
} from './model.ts';

/** What became of a message that was offered to the store. */
export type Accepted =
  /** It was accepted. */
  | {
      readonly type: 'accepted';
      /**
       * Resolves when no earlier message of this visitor runs any more, in whichever process, and what became of them
       * is in the transcript.
       * @throws The signal's reason.
       */
      mayRun(signal: AbortSignal): Promise<void>;
      /**
       * The visitor's thread (null: none), where the store knows it already and no earlier message of the visitor is
       * still to change it. Undefined: ask for it when the message may run.
       */
      readonly thread?: UpstreamThread | null;
      /** As `thread`: when the visitor's last exchange came, in seconds since 1970; null: there is none. */
      readonly lastSeen?: number | null;
      /** The day's count of messages with this one, where the store has counted it. */
      readonly count?: number;
    }
  /** Not accepted: another process accepted a message with the same key at the same time. `id` names that one. */
  | { readonly type: 'known'; readonly id: string }
  /** Not accepted: the day's messages are used up, those of the whole site or of one share of them. */
  | { readonly type: 'over'; readonly of: 'site' | 'share' };

/** How many messages a day may have: the whole site, and one share of them; null or absent: no bound. */
export interface DayLimit {
  readonly day: string;
  readonly limit: number | null;
  readonly share?: { readonly key: string; readonly limit: number };
}

/** Records messages before anything is spent on them, and what became of them. Writes are durable when they resolve. */
export interface MessageLog {
  /** Whether `accept` counts the message by day itself, so that `countMessage` need not be called before. */
  readonly countsOnAccept?: true;
  /**
   * Records a message durably, before anything is spent on it.
   * @param day Where `countsOnAccept`: counts the message with it, and accepts none above the limit.
   * @throws AppError `log_unavailable` at once where nothing can be written; then nothing is kept of it.
   * @throws AppError `thread_busy` where too many of the visitor's messages wait, in all processes together.
   */
  accept(message: AcceptedMessage, day?: DayLimit): Promise<Accepted>;
  /**
   * Records the exchange (once: a second one of the same id is ignored). While nothing can be written the
   * exchange is kept in memory and the promise waits; it resolves when the exchange is durable.
   * @throws AppError `log_unavailable` only where the memory for waiting exchanges is full too, and where another
   * process has already logged the turn as failed because this one was silent for too long.
   */
  finish(exchange: Exchange): Promise<void>;
  /** A message that was accepted and is not finished, in whichever process. */
  unfinished(id: string): Promise<AcceptedMessage | undefined>;
  /** Asks the process that runs an unfinished message to stop it. */
  requestStop(id: string): Promise<void>;
  /** Calls `stop` for each message of this process that another has asked to stop. */
  onStopRequested(stop: (id: string) => void): void;
  /**
   * The id of the message that was last accepted with this `key`, for 24 hours at least, unless too many came after
   * it. What became of it is for the caller to look up.
   */
  keyed(key: string): Promise<string | undefined>;
  /** Messages that a crash cut off: accepted by a process that is gone and never finished. Each is given to one caller. */
  interrupted(): Promise<AcceptedMessage[]>;
}

/** What visitors and operators read of the exchanges. */
export interface Transcript {
  /** An exchange by its id, with whose it is; undefined where there is none, or it belongs to nobody (an older log's). */
  exchange(id: string): Promise<Exchange | undefined>;
  /** A visitor's exchanges, newest first, at most `limit`, those older than the exchange `before` if given. */
  recent(visitor: Visitor, page: { limit: number; before?: string }): Promise<Exchange[]>;
  /**
   * Takes a visitor's exchanges out of `recent`, and forgets the thread.
   * @param keepLog Whether they stay in the log, where only operators see them.
   * @throws AppError `log_unavailable`
   */
  clear(visitor: Visitor, keepLog: boolean): Promise<void>;
  /**
   * Visitors in an order of the store's own, at most `limit`, those after the key `after` if given, and those alone
   * who last called themselves `name` if given.
   */
  visitors(page: { limit: number; after?: string; name?: string }): Promise<VisitorSummary[]>;
}

/** What visitors think of their answers. */
export interface FeedbackLog {
  /**
   * Keeps a visitor's opinion of an exchange in place of an earlier one; undefined takes it back.
   * @returns Whether the exchange is the visitor's: nobody else can rate it.
   * @throws AppError `log_unavailable`
   */
  setFeedback(exchangeId: string, visitor: Visitor, feedback: Feedback | undefined): Promise<boolean>;
}

/** Verified `user_id`s. */
export interface VerifiedUsers {
  /**
   * Remembers permanently that the site has verified a `user_id`.
   * @throws AppError `log_unavailable`
   */
  markVerified(userId: string): Promise<void>;
  isVerified(userId: string): Promise<boolean>;
}

/** Session tokens that ended before their time. */
export interface EndedTokens {
  /**
   * Remembers that a token has ended; atomic.
   * @param until When the token would have ended by itself and may be forgotten: seconds since 1970.
   * @returns Whether it had not ended before.
   * @throws AppError `log_unavailable`
   */
  endToken(id: string, until: number): Promise<boolean>;
  hasEnded(tokenId: string): Promise<boolean>;
}

/** Visitors' threads at the upstream. */
export interface Threads {
  thread(visitor: Visitor): Promise<UpstreamThread | undefined>;
  /** Keeps (or, with undefined, forgets) a visitor's upstream thread. Does not wait for the disk: what a later write makes durable includes it. */
  setThread(visitor: Visitor, thread: UpstreamThread | undefined): void;
}

/** Small texts that are kept under a name. */
export interface Facts {
  fact(name: string): Promise<string | undefined>;
  /** Keeps a fact; as durable as a thread. An empty value forgets it. */
  setFact(name: string, value: string): void;
}

/** How many messages a day has had. */
export interface DailyCount {
  /** Adds one to the day's count of messages (or takes one back) and gives the new count; atomic. */
  countMessage(day: string, by?: 1 | -1): Promise<number>;
}

/** How busy a store is, for metrics. */
export interface StoreLoad {
  /** Writes, or statements, that wait for their turn. */
  readonly waiting: number;
  /** How long conversations.json last took to be written, in seconds; absent: it was not, or there is none. */
  readonly copySeconds?: number;
}

/** The life of a store. */
export interface StoreLife {
  load(): StoreLoad;
  /** Whether writing works now and, if not, why: a text for operators, which may name paths. */
  health(): { ok: true } | { ok: false; reason: string };
  /** Writes what is left and lets go of the store. Nothing may be written after it. */
  close(): Promise<void>;
}

/** Where transcript, threads and counts live. */
export interface Store
  extends MessageLog,
    Transcript,
    FeedbackLog,
    VerifiedUsers,
    EndedTokens,
    Threads,
    Facts,
    DailyCount,
    StoreLife {}
