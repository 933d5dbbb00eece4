import type { Logger } from '../chat/ports.ts';
import { logUnavailable } from '../errors.ts';
import { Backlog, type Pending, type WriteOptions } from './backlog.ts';
import type { Call, Outcome } from './protocol.ts';
import type { DatabaseWorker } from './worker-handle.ts';

/** Its intervals and bounds. */
export interface CommitTuning {
  /** Bytes of records that may wait for the disk. */
  readonly maxPendingBytes: number;
  /** Milliseconds between two attempts to write while the disk fails. */
  readonly retryMs: number;
  /** Milliseconds after which a commit that does not return counts as a failing disk. */
  readonly stallMs: number;
  /** Milliseconds after which what waits for no one is written. */
  readonly idleMs: number;
}

/**
 * Group commit: what is asked for while a transaction is written goes into the next one, in the order in which it
 * came. While the disk fails, what may wait is kept in bounded memory and tried again.
 */
export class GroupCommit {
  readonly #worker: DatabaseWorker;
  readonly #tuning: CommitTuning;
  readonly #logger: Logger;
  readonly #onCommit: (calls: readonly Call[]) => void;
  readonly #probe: Call;
  readonly #waiting: Backlog;
  #inFlight: Pending[] = [];
  #trouble: Error | undefined;
  #suspended: Error | undefined;
  #committing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #busy = false;
  #isSoon = false;
  /** Called when nothing is left to be written. */
  #idle: (() => void)[] = [];

  constructor(deps: {
    worker: DatabaseWorker;
    tuning: CommitTuning;
    logger: Logger;
    /** A write that changes nothing of interest. */
    probe: Call;
    /** Told of what is durable now. */
    onCommit: (calls: readonly Call[]) => void;
  }) {
    this.#waiting = new Backlog(deps.tuning.maxPendingBytes);
    this.#worker = deps.worker;
    this.#tuning = deps.tuning;
    this.#logger = deps.logger;
    this.#onCommit = deps.onCommit;
    this.#probe = deps.probe;
  }

  /** Writes that are not durable yet. */
  waiting(): number {
    return this.#waiting.count + this.#inFlight.length;
  }

  /** Why nothing can be written now. */
  trouble(): Error | undefined {
    return this.#closed ? new Error('the store is closed') : (this.#suspended ?? this.#trouble);
  }

  /** Writes nothing from now on, until {@link resume}: what may wait is kept. */
  suspend(reason: Error): void {
    if (this.#suspended?.message !== reason.message) {
      this.#logger.error({ err: reason }, 'the database cannot be written; waiting');
    }
    this.#suspended = reason;
    this.#refuse(reason);
  }

  resume(): void {
    if (!this.#suspended) return;
    this.#suspended = undefined;
    this.#logger.info({}, 'the database can be written again');
    this.#flush();
  }

  /** Resolves when no commit is on its way. */
  async settled(): Promise<void> {
    await this.#committing;
  }

  /** Says that nothing can be written, until a write succeeds. */
  report(trouble: Error): void {
    if (!this.#trouble) this.#logger.error({ err: trouble }, 'the database cannot be written; trying again');
    this.#trouble = trouble;
    this.#refuse(trouble);
    this.#retryLater();
  }

  /**
   * Writes; durable when it resolves.
   * @throws AppError `log_unavailable`; Error where this one call is at fault.
   */
  write(call: Call, options: WriteOptions): Promise<unknown> {
    const { urgency } = options;
    const trouble = this.trouble();
    if (trouble && (this.#closed || urgency === 'now'))
      return Promise.reject(logUnavailable({ cause: trouble }));
    const written = this.#waiting.add(call, options);
    if (urgency === 'lazy') this.#later(this.#tuning.idleMs);
    else if (!trouble) this.#flushSoon();
    return written;
  }

  #later(ms: number, keepsProcess = false): void {
    if (this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#flush();
    }, ms);
    if (!keepsProcess) this.#timer.unref();
  }

  #retryLater(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // What waits is not to be lost because the process has nothing else to do.
    if (!this.#closed) this.#later(this.#tuning.retryMs, true);
  }

  /** Refuses what cannot wait, also what is on its way: whether that is written does not matter then. */
  #refuse(trouble: Error): void {
    this.#waiting.refuse(trouble);
    const refused = this.#inFlight.filter(({ urgency }) => urgency === 'now');
    this.#inFlight = this.#inFlight.filter(({ urgency }) => urgency !== 'now');
    for (const { undo, settle } of refused) {
      settle(trouble);
      if (undo) void this.write(undo, { urgency: 'lazy' }).catch(() => undefined);
    }
  }

  /** Whoever was waiting for the last commit asks for more in this turn of the loop: that goes into one transaction. */
  #flushSoon(): void {
    if (this.#isSoon || this.#busy) return;
    this.#isSoon = true;
    setImmediate(() => {
      this.#isSoon = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#busy || this.#suspended) return;
    if (this.#waiting.isEmpty && !this.#trouble) return;
    this.#busy = true;
    this.#inFlight = this.#waiting.take();
    this.#committing = this.#commit([...this.#inFlight]).finally(() => {
      this.#busy = false;
      const isUrgent = this.#idle.length > 0 || this.#waiting.isUrgent;
      if (!this.#waiting.isEmpty && isUrgent && !this.#trouble) this.#flushSoon();
      else if (this.#waiting.isEmpty) for (const told of this.#idle.splice(0)) told();
    });
  }

  async #commit(batch: readonly Pending[]): Promise<void> {
    // A disk that has failed is found well again by a write, if only by one for its own sake.
    const calls = batch.length === 0 ? [this.#probe] : batch.map(({ call }) => call);
    const stall = setTimeout(() => {
      this.report(new Error(`a commit has not returned for ${this.#tuning.stallMs} ms`));
    }, this.#tuning.stallMs);
    stall.unref();
    try {
      // Only worker.ts answers.
      const outcomes = (await this.#worker.ask({ type: 'commit', calls })) as Outcome[];
      clearTimeout(stall);
      const left = new Set(this.#inFlight);
      this.#inFlight = [];
      this.#recovered();
      for (const [at, pending] of batch.entries()) {
        const outcome = outcomes[at];
        if (outcome && left.has(pending)) pending.settle(outcome);
      }
      this.#onCommit(calls);
    } catch (error) {
      clearTimeout(stall);
      const trouble = error instanceof Error ? error : new Error(String(error));
      this.#refuseAfter(trouble);
    }
  }

  #refuseAfter(trouble: Error): void {
    this.report(trouble);
    // What could not wait is gone from it by now.
    this.#waiting.giveBack(this.#inFlight);
    this.#inFlight = [];
  }

  #recovered(): void {
    if (!this.#trouble) return;
    this.#trouble = undefined;
    this.#logger.info({}, 'the database can be written again');
  }

  /** Whether all that was asked for was written within so many milliseconds. */
  async drain(ms: number): Promise<boolean> {
    if (this.#waiting.isEmpty && !this.#busy) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), ms);
    this.#idle.push(() => resolve(true));
    this.#flush();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Refuses what comes, and what is left. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    const closed = new Error('the store is closed', { cause: this.#trouble });
    this.#waiting.refuseAll(closed);
    for (const { settle } of this.#inFlight.splice(0)) settle(closed);
  }
}
