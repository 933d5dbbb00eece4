import type { CommitTuning } from '../../sqlite/group-commit.ts';

/** The store's measures. The defaults are for service; tests make them small. */
export interface Tuning extends CommitTuning {
  /** Milliseconds between two rewrites of a small conversations.json. */
  readonly smallWaitMs: number;
  /** Bytes from which conversations.json counts as large. */
  readonly largeBytes: number;
  /** A large file rests this many times what its last rewrite took. */
  readonly restFactor: number;
  /** The share of the size limit that stays in conversations.json when exchanges are archived. */
  readonly keepShare: number;
  /** Interval of the check whether our files are in their place, in milliseconds. */
  readonly checkMs: number;
  /** Milliseconds that `close()` waits for a disk that fails. */
  readonly closeMs: number;
}

const MIB = 1024 * 1024;

export const defaultTuning: Tuning = {
  // An exchange is in the file at most 2 s after its answer: this wait, the rewrite, and room for a busy host.
  smallWaitMs: 1000,
  largeBytes: 4_000_000,
  // The contract allows 20. An exchange that just misses a rewrite waits for the rest of that one, this rest
  // and the next one: 17. What is left is for rewrites that take longer than the last did.
  restFactor: 15,
  keepShare: 0.75,
  maxPendingBytes: 32 * MIB,
  retryMs: 250,
  stallMs: 5000,
  idleMs: 1000,
  checkMs: 1000,
  closeMs: 5000,
};
