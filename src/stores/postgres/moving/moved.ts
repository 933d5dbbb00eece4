import type { Exchange, UpstreamThread } from '../../../chat/model.ts';

/** An exchange as it moves from store to store. */
export type MovedExchange = Omit<Exchange, 'visitor' | 'key'> & {
  /** visitorKey() of the visitor; null where it is nobody's, of an older log. */
  readonly visitor: string | null;
  readonly cleared?: true;
  /** What the log has beside, in JSON. */
  readonly more?: string;
};

/** What stores hold beside exchanges, each as pairs of a key and what is kept under it. */
export interface MovedFacts {
  /** By visitorKey(). */
  readonly threads: readonly (readonly [string, UpstreamThread])[];
  /** Idempotency keys with the exchange's id and its time, in seconds since 1970. */
  readonly keys: readonly (readonly [string, { readonly id: string; readonly timestamp: number }])[];
  readonly vouched: readonly string[];
  /** Tokens with the time when they would have ended by themselves, in seconds since 1970. */
  readonly ended: readonly (readonly [string, number])[];
  readonly facts: readonly (readonly [string, string])[];
  readonly days: readonly (readonly [string, number])[];
}

/** What is written at once. Written twice, it is there once. */
export interface Batch extends Partial<MovedFacts> {
  readonly exchanges?: readonly MovedExchange[];
}
