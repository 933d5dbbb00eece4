import { type AppError, failureOf } from '../errors.ts';
import type { AcceptedMessage, Exchange, Visitor } from './model.ts';

/** What a visitor is told of a turn, in order. `done` and `error` are final: exactly one of them ends it. */
export type TurnEvent =
  | { readonly type: 'accepted' }
  | { readonly type: 'delta'; readonly text: string }
  | { readonly type: 'done'; readonly exchange: Exchange }
  | { readonly type: 'error'; readonly error: AppError };

/** An event with its number in its turn, counted from 0. */
export interface NumberedEvent {
  readonly n: number;
  readonly event: TurnEvent;
}

/** A turn, in flight or over. Any number of readers can read it, each from where it likes. */
export interface Turn {
  /** The id of the exchange that it becomes, or became. */
  readonly id: string;
  readonly visitor: Visitor;
  /** The visitor's message. */
  readonly text: string;
  /** How many events there are so far. */
  readonly count: number;
  /**
   * The event number `n`; undefined where it is still to come. Of a turn that is over, the final event stands for
   * all numbers after it: whoever reads on, from whatever number, comes to a proper end.
   */
  at(n: number): NumberedEvent | undefined;
  /**
   * Calls `wake` whenever there is a new event.
   * @returns Stops that.
   */
  onEvent(wake: () => void): () => void;
  /** Resolves with the exchange when it is durable; rejects with the AppError that the visitor is told. */
  readonly outcome: Promise<Exchange>;
}

/** The writing end of a turn. */
export interface OpenTurn extends Turn {
  push(event: TurnEvent): void;
  /** The text of all deltas so far. */
  said(): string;
}

const isFinal = ({ type }: TurnEvent): boolean => type === 'done' || type === 'error';

/** The failure that ended a turn; undefined where it goes on, or was answered. */
export const failureIn = (turn: Turn): AppError | undefined => {
  const last = turn.at(turn.count - 1)?.event;
  return last?.type === 'error' ? last.error : undefined;
};

/** Begins a turn's events with `accepted`. */
export const openTurn = ({
  id,
  visitor,
  user,
}: Pick<AcceptedMessage, 'id' | 'visitor' | 'user'>): OpenTurn => {
  const events: NumberedEvent[] = [{ n: 0, event: { type: 'accepted' } }];
  const readers = new Set<() => void>();
  let said = '';
  let isOver = false;
  const { promise: outcome, resolve, reject } = Promise.withResolvers<Exchange>();
  // A reader of the events need not wait for the outcome, too.
  outcome.catch(() => undefined);

  return {
    id,
    visitor,
    text: user,
    outcome,
    get count() {
      return events.length;
    },
    said: () => said,
    push: (event) => {
      events.push({ n: events.length, event });
      isOver ||= isFinal(event);
      if (event.type === 'delta') said += event.text;
      if (event.type === 'done') resolve(event.exchange);
      if (event.type === 'error') reject(event.error);
      for (const wake of readers) wake();
    },
    at: (n) => events[n] ?? (isOver ? events.at(-1) : undefined),
    onEvent: (wake) => {
      readers.add(wake);
      return () => {
        readers.delete(wake);
      };
    },
  };
};

/**
 * A turn that is over, as the log has it. Where it was cut into deltas is not known any more, so whoever has seen some
 * of its text gets the final event alone, which carries the whole answer; whoever has seen none gets it in one delta.
 */
export const loggedTurn = (exchange: Exchange): Turn => {
  const { id, visitor, user, bot } = exchange;
  const error = bot === null ? failureOf(exchange.error ?? 'internal_error') : undefined;
  const final: TurnEvent = error ? { type: 'error', error } : { type: 'done', exchange };
  const before: TurnEvent[] = [{ type: 'accepted' }];
  if (bot) before.push({ type: 'delta', text: bot });
  const outcome = error ? Promise.reject(error) : Promise.resolve(exchange);
  outcome.catch(() => undefined);
  return {
    id,
    visitor,
    text: user,
    outcome,
    count: before.length + 1,
    // The final event goes by the number that is asked for: it must come after what the reader has seen.
    at: (n) => ({ n, event: before[n] ?? final }),
    onEvent: () => () => undefined,
  };
};
