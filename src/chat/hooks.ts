import type { ErrorCode } from '../errors.ts';
import type { Citable } from './citations.ts';
import type { Exchange, UpstreamThread, Visitor } from './model.ts';

/** What the site's owner has set up around turns. A part that is absent does nothing. */
export interface TurnHooks {
  /** Refuses a message before anything is spent on it. @throws AppError `budget_spent` */
  readonly mayAccept?: (visitor: Visitor) => Promise<void>;
  /** Masks a text before it is written or logged. The visitor's own screen keeps the original. */
  readonly masked?: (text: string) => string;
  /** Masks a message before it is sent to the upstream. */
  readonly maskedForUpstream?: (text: string) => string;
  /**
   * Looks at a message before a run is spent on it.
   * @returns Why it is refused, with what the visitor is told; undefined: it may run.
   * @throws AppError where it cannot be looked at and must not run then; the signal's reason.
   */
  readonly screen?: (message: string, signal: AbortSignal) => Promise<Refused | undefined>;
  /**
   * Finds what the run is to be told of the site's documents; undefined where nothing fits.
   * @throws Nothing but the signal's reason: an answer without documents is better than none.
   */
  readonly quote?: (question: Question, signal: AbortSignal) => Promise<Quoted | undefined>;
  /** Whether the assistant said that it does not know. */
  readonly isUnanswered?: (answer: string) => boolean;
  /**
   * Told of each turn when its exchange is recorded, with the exchange as it was written.
   * @param commitMs How long that took; absent where nobody waited for it.
   */
  readonly onRecorded?: (exchange: Exchange, commitMs?: number) => void;
  /** Told of an upstream thread that its visitor does not use any more. */
  readonly onThreadLeft?: (thread: UpstreamThread) => void;
  /** Told of each message that was not accepted. */
  readonly onRefused?: (code: ErrorCode) => void;
}

/** What documents are looked for. */
export interface Question {
  readonly message: string;
  /** What was said just before, if anything. */
  readonly previous: () => Promise<Pick<Exchange, 'user' | 'bot'> | undefined>;
}

/** What a run is told of the site's documents. */
export interface Quoted {
  /** Goes with the run, beside the instructions. */
  readonly context: string;
  /** What may be cited from it, in the order of its numbers. */
  readonly citable: readonly Citable[];
}

/** Why a message is not run. */
export interface Refused {
  /** Categories of the moderation that flagged it. */
  readonly flagged: readonly string[];
  readonly answer: string;
}

/** The exchange as it is written: texts and name masked. */
export const asWritten = (exchange: Exchange, { masked }: TurnHooks): Exchange =>
  masked ? { ...exchange, ...maskedFields(exchange, masked) } : exchange;

/** The texts that a message and its answer are written with. */
export const maskedFields = (
  { user, name, bot }: { user: string; name?: string | undefined; bot?: string | null },
  masked: (text: string) => string,
) => ({
  user: masked(user),
  ...(name === undefined ? {} : { name: masked(name) }),
  ...(typeof bot === 'string' ? { bot: masked(bot) } : {}),
});
