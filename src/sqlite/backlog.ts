import { logUnavailable } from '../errors.ts';
import { type Call, type Outcome, StoreError } from './protocol.ts';

/** Calls and bytes in one transaction: more would keep the first of them waiting. */
const BATCH_CALLS = 500;
const BATCH_BYTES = 1024 * 1024;
/** Bytes of a call beside its texts, about. */
const CALL_BYTES = 200;

/** How a write is treated. */
export interface WriteOptions {
  /** Bytes of its texts, about. */
  readonly bytes?: number;
  /**
   * `now`: refused at once while nothing can be written. `waits`: kept until it can. `lazy`: kept, and written
   * with what comes next.
   */
  readonly urgency: 'now' | 'waits' | 'lazy';
  /** A lazy write takes the place of a waiting one of the same name. */
  readonly replaces?: string;
  /** What makes undone a write that was refused although it may have been written. */
  readonly undo?: Call;
}

/** A write that has not ended. */
export interface Pending extends WriteOptions {
  call: Call;
  readonly bytes: number;
  readonly written: Promise<unknown>;
  settle(outcome: Outcome | Error): void;
}

/** The writes that wait for the next transaction, in the order in which they came, within a bound. */
export class Backlog {
  readonly #maxBytes: number;
  #waiting: Pending[] = [];
  /** Of all that has not ended, what is being written included. */
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#waiting.length;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Whether something waits that somebody waits for. */
  get isUrgent(): boolean {
    return this.#waiting.some(({ urgency }) => urgency !== 'lazy');
  }

  /** @throws AppError `log_unavailable` by its promise, where the bound is reached. */
  add(call: Call, options: WriteOptions): Promise<unknown> {
    const { replaces } = options;
    const same = replaces && this.#waiting.find((other) => other.replaces === replaces);
    if (same) {
      same.call = call;
      return same.written;
    }
    const bytes = CALL_BYTES + (options.bytes ?? 0);
    if (this.#bytes + bytes > this.#maxBytes) {
      return Promise.reject(logUnavailable({ cause: new Error('too much is waiting for the disk') }));
    }
    this.#bytes += bytes;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const settle = (outcome: Outcome | Error): void => {
      this.#bytes -= bytes;
      if (outcome instanceof Error) reject(logUnavailable({ cause: outcome }));
      else if ('thrown' in outcome) reject(new StoreError(outcome.thrown));
      else resolve(outcome.value);
    };
    this.#waiting.push({ ...options, call, bytes, written: promise, settle });
    return promise;
  }

  /** Takes what goes into the next transaction; it is to be settled or given back. */
  take(): Pending[] {
    let bytes = 0;
    let count = 0;
    for (const pending of this.#waiting) {
      if (count > 0 && (bytes + pending.bytes > BATCH_BYTES || count >= BATCH_CALLS)) break;
      bytes += pending.bytes;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  giveBack(batch: readonly Pending[]): void {
    this.#waiting.unshift(...batch);
  }

  /** Refuses what cannot wait. */
  refuse(trouble: Error): void {
    const refused = this.#waiting.filter(({ urgency }) => urgency === 'now');
    this.#waiting = this.#waiting.filter(({ urgency }) => urgency !== 'now');
    for (const { settle } of refused) settle(trouble);
  }

  refuseAll(trouble: Error): void {
    for (const { settle } of this.#waiting.splice(0)) settle(trouble);
  }
}
