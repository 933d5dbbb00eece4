import type { UpstreamThread, Visitor } from '../chat/model.ts';

/** A visitor who is being erased. Kept until it is over, so that a restart goes on with it. */
export interface Erasure {
  readonly visitor: Visitor;
  readonly at: number;
  /** Where it was asked for: `page`, `api`, `command`. */
  readonly by: string;
  /** The upstream thread that is still to be deleted. */
  readonly thread?: UpstreamThread;
  /** Exchanges that were erased so far. */
  readonly erased: number;
}

/** A line of the audit log: when, by whom, what kind, how many; no content, no ids in clear. */
export interface AuditLine {
  readonly at: number;
  readonly by: string;
  readonly action: 'erase_visitor' | 'retention' | 'export' | 'sign_in' | 'thread_not_deleted';
  readonly count: number;
  /** The kind of visitor, and an opaque name of it that is the same each time. */
  readonly subject?: string;
}

/** Erasing. Everything here is durable when it resolves, and may be repeated. */
export interface ErasureStore {
  /**
   * Records that a visitor is to be erased, with its upstream thread. Where that is recorded already it gives the
   * erasure that there is.
   */
  beginErasure(wish: Pick<Erasure, 'visitor' | 'at' | 'by'>): Promise<Erasure>;
  /** Those that are not over, oldest first. */
  openErasures(): Promise<readonly Erasure[]>;
  /**
   * Erases at most `limit` of the visitor's exchanges with all that hangs on them (search index, feedback,
   * idempotency keys, waiting webhooks).
   * @returns How many; 0: none is left.
   */
  eraseSome(visitor: Visitor, limit: number): Promise<number>;
  /**
   * Erases the rest of the visitor (thread, name, counts), and sees to it that no byte of what was erased can be
   * found: in the readable copies, in free pages, in write-ahead files.
   */
  scrub(visitor: Visitor): Promise<void>;
  /** Notes that the upstream thread is gone. */
  threadDeleted(visitor: Visitor): Promise<void>;
  /** The erasure is over: of it only the audit line stays. */
  endErasure(visitor: Visitor, audit: AuditLine): Promise<void>;
  /**
   * Erases exchanges whose messages came before `before`, oldest first, at most `limit`.
   * @returns How many; 0: none is left.
   */
  eraseOlder(before: number, limit: number): Promise<number>;
  /** After `eraseOlder`: no byte of what came before `before` can be found. */
  scrubOld(before: number): Promise<void>;
  audit(line: AuditLine): Promise<void>;
  /** The newest lines first. */
  auditLog(limit: number): Promise<readonly AuditLine[]>;
}
