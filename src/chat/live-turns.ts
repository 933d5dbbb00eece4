import type { AppError } from '../errors.ts';
import type { Exchange, Visitor } from './ports.ts';

/** What a visitor is told of a turn, in order. `done` and `error` are final: exactly one of them ends it. */
export type TurnEvent =
  | { readonly type: 'accepted' }
  | { readonly type: 'delta'; readonly text: string }
  | { readonly type: 'done'; readonly exchange: Exchange }
  | { readonly type: 'error'; readonly error: AppError };

/** Called for each event; `n` counts from 0. */
export type TurnListener = (event: TurnEvent, n: number) => void;

/** A turn in flight. Its events are kept until it is over, so that any number of readers can follow it. */
export interface Turn {
  /** The id of the exchange that it becomes. */
  readonly id: string;
  readonly visitor: Visitor;
  /**
   * Hands over the events from number `from` on, first those that were, at once, then those to come.
   * @returns Stops following.
   */
  follow(from: number, listener: TurnListener): () => void;
  /** Resolves with the exchange when it is durable; rejects with the AppError that the visitor is told. */
  readonly outcome: Promise<Exchange>;
}

/** The writing end of a turn. */
export interface OpenTurn extends Turn {
  push(event: TurnEvent): void;
}

/** Begins a turn's events with `accepted`. */
export const openTurn = (id: string, visitor: Visitor): OpenTurn => {
  const events: TurnEvent[] = [{ type: 'accepted' }];
  const listeners = new Set<TurnListener>();
  const { promise: outcome, resolve, reject } = Promise.withResolvers<Exchange>();
  // A reader of the events need not wait for the outcome, too.
  outcome.catch(() => undefined);

  return {
    id,
    visitor,
    outcome,
    push: (event) => {
      const n = events.push(event) - 1;
      if (event.type === 'done') resolve(event.exchange);
      if (event.type === 'error') reject(event.error);
      for (const listener of listeners) listener(event, n);
    },
    follow: (from, listener) => {
      for (const [n, event] of events.entries()) if (n >= from) listener(event, n);
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
};
