/** A store as the commands see it: read and filled in bulk, with no service on it. Both stores give this view. */

import type { UpstreamThread } from '../chat/model.ts';
import type { LogRow } from './log-row.ts';

/** What stores hold beside exchanges, each as pairs of a key and what is kept under it. */
export interface MovedFacts {
  /** By visitorKey(). */
  readonly threads: readonly (readonly [string, UpstreamThread])[];
  /** Idempotency keys with the exchange's id and its time, in seconds since 1970. */
  readonly keys: readonly (readonly [string, { readonly id: string; readonly timestamp: number }])[];
  readonly verified: readonly string[];
  /** Tokens with the time when they would have ended by themselves, in seconds since 1970. */
  readonly ended: readonly (readonly [string, number])[];
  readonly facts: readonly (readonly [string, string])[];
  readonly days: readonly (readonly [string, number])[];
}

/** What is written at once. Written twice, it is there once. */
export interface Batch extends Partial<MovedFacts> {
  readonly exchanges?: readonly LogRow[];
  /**
   * The places of the exchanges in their lists, in seconds since 1970, for a store that orders by time; without them
   * each comes after all that its list has.
   */
  readonly times?: readonly number[];
}

export interface MovingStore {
  /** Why services refuse this store: the note of a move that is in progress, or was interrupted. */
  note(): Promise<string | undefined>;
  /**
   * Makes services refuse the store with this note, unless there is a note already.
   * @returns The note that is there now: another one is another move's.
   */
  claim(note: string): Promise<string>;
  /** Takes the note away: nothing was moved. */
  unclaim(): Promise<void>;
  /** Removes what a move has written, so that it can start again. Only for a store that has a note. */
  wipe(): Promise<void>;
  /** How far a move had come when its last batch was written, as `add` was told. */
  position(): Promise<string | undefined>;
  /** Writes a batch, and how far the move has come with it, both or neither. */
  add(batch: Batch, position: string): Promise<void>;
  /** Makes the store ready for services, and lets them in. */
  complete(): Promise<void>;
  /** Rows in the store, by what they are. */
  counts(): Promise<Record<'exchanges' | 'accepted' | keyof MovedFacts, number>>;
  /** Messages that were accepted and never finished, as the failed exchanges that a service would log them as. */
  unfinished(): Promise<LogRow[]>;
  /** Where it is; never with a password. */
  readonly place: string;
  /** Whether a service gives a sign of life within `ms` milliseconds. */
  isInUse(ms: number): Promise<boolean>;
  /** All exchanges, each list's in their order. */
  exchanges(): AsyncIterable<LogRow[]>;
  /** All that is kept beside, as it was at one moment. */
  facts(): Promise<MovedFacts>;
  close(): Promise<void>;
}
