import type { Backend } from './backend-port.ts';
import type { TurnHooks } from './hooks.ts';
import type { Turn } from './live-turns.ts';
import type { Visitor } from './model.ts';
import type { Budget, Clock, Logger } from './ports.ts';
import type { Store } from './store-port.ts';

/** What the core offers, and what it is made of. */

export interface ChatDeps {
  readonly backend: Backend;
  readonly store: Store;
  readonly budget: Budget;
  readonly hooks?: TurnHooks;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: {
    readonly maxLiveTurns: number;
    readonly maxWaiting: number;
    /** Milliseconds for the whole turn, waiting included. */
    readonly runTimeout: number;
    /** Milliseconds after which a visitor's next message starts a new upstream thread. */
    readonly threadIdle: number;
    /** UTF-16 units of the transcript that an upstream is told. */
    readonly historyMaxChars: number;
    /** UTF-16 units after which an answer is cut off, whatever the upstream still says. */
    readonly answerMaxChars: number;
    /** Whether the log keeps what a visitor cleared. */
    readonly clearKeepsLog: boolean;
  };
}

/** What a visitor sends. */
export interface Message {
  readonly visitor: Visitor;
  /** What the visitor calls itself; kept in the log beside the exchange. */
  readonly name?: string | undefined;
  readonly text: string;
  /** The address that it came from, as the limits count it. */
  readonly address: string;
  /** The caller's own name of the message, so that it can be sent again without a second run. */
  readonly key?: string | undefined;
  /** What the caller knows the request by: a line in the log of a turn that fails names it. */
  readonly requestId?: string | undefined;
}

export interface Chat {
  /**
   * Takes a visitor's message: one message → one run → one durable exchange.
   * Resolves as soon as the message is accepted (durably); the run goes on whoever reads the turn.
   *
   * With a `key`, the same visitor, key and text again give the same turn, for 24 hours, unless it failed.
   * @throws AppError `idempotency_mismatch` where the key came with another text.
   * @throws AppError `shutting_down`, `overloaded`, `thread_busy`, `log_unavailable` or `budget_spent`
   *   where the message is not accepted. Nothing was spent then.
   */
  send(message: Message): Promise<Turn>;
  /**
   * Clears a visitor's history: a new thread, without memory. It takes its turn behind the messages that are
   * there, so that none of them comes to light afterwards.
   * @throws AppError `shutting_down`, `thread_busy`, `log_unavailable`
   */
  clear(visitor: Visitor): Promise<void>;
  /**
   * Runs work while no message of the visitor is being answered here; messages that come meanwhile wait.
   * @throws AppError `shutting_down`, `thread_busy`; what the work throws
   */
  alone<T>(visitor: Visitor, work: () => Promise<T>): Promise<T>;
  /**
   * The turn of an exchange: in flight, just over, or as the log has it; undefined where there is none.
   * @throws AppError `log_unavailable` where its answer is there and cannot be made durable.
   */
  turn(id: string): Promise<Turn | undefined>;
  /**
   * Stops a turn in flight, waiting ones too: what was said so far is the answer, `truncated`. One that is over, or
   * unknown, stays as it is. Resolves when the turn is over, or does not end for it within seconds.
   */
  stop(id: string): Promise<void>;
  /** Logs as failed what processes that are gone were cut off in: before the first message, and where others share the store, again and again. */
  settleInterrupted(): Promise<void>;
  /**
   * Takes no more messages and waits for the turns in flight.
   * Those still there after `timeout` milliseconds end in `shutting_down`.
   */
  drain(timeout: number): Promise<void>;
  isDraining(): boolean;
  liveTurns(): number;
}
