/**
 * What the operators' pages and routes need of a store; `stores/` implements it, and `test/ops/ops-store-contract.ts`
 * is what every store must pass. Erasing and events out have files of their own, erasure-port.ts and outbox-port.ts. Times are seconds since 1970, as in the log; day names are of the owner's time zone.
 */

import type { Exchange, Visitor } from '../chat/model.ts';
import type { ErasureStore } from './erasure-port.ts';
import type { Outbox } from './outbox-port.ts';

/** Stands for the exchanges of an older log that are nobody's. */
export const NOBODY: Visitor = { kind: 'anonymous', id: '' };

/** Which exchanges: all that fit every field that is given. */
export interface ExchangeFilter {
  /** The message came at this time or later. */
  readonly from?: number;
  /** The message came before this time. */
  readonly to?: number;
  /**
   * Texts that must all be in message or answer, as {@link fold} leaves them: any part of a word, accents and case
   * folded, in any language.
   */
  readonly words?: readonly string[];
  /** This visitor alone. */
  readonly visitor?: Visitor;
  /** A part of the visitor's id or name; ASCII case does not matter. */
  readonly who?: string;
  readonly kind?: Visitor['kind'];
  /** Failed turns: any, or with one of these error codes. */
  readonly failed?: true | readonly string[];
  readonly rating?: 'up' | 'down';
  /** The assistant said that it does not know. */
  readonly unanswered?: true;
  /** Refused by moderation. */
  readonly flagged?: true;
  readonly backend?: string;
}

/** The position of a row in its list, opaque: what a row of it gave. One that no row gave is ignored. */
export type Cursor = string;

/**
 * A page of a list. Without a cursor it starts at the end that `order` names. `before` and `after` are in time:
 * `before` gives the nearest older rows, `after` the nearest newer ones; at most one of them is given.
 */
export interface PageRequest {
  readonly limit: number;
  /** How the rows come; absent: newest first. */
  readonly order?: 'newest' | 'oldest';
  readonly before?: Cursor;
  readonly after?: Cursor;
}

export interface Page<Row> {
  readonly rows: readonly Row[];
  /** Whether there are older, and newer, rows than those of the page. */
  readonly hasOlder: boolean;
  readonly hasNewer: boolean;
}

/** An exchange as operators see it: also what its visitor has cleared, where the log keeps that. */
export interface OpsExchange extends Exchange {
  readonly cursor: Cursor;
  /** The visitor has cleared it; only operators see it. */
  readonly cleared?: true;
}

/** A visitor's thread in the list. */
export interface ConversationRow {
  readonly visitor: Visitor;
  /** What the visitor last called itself. */
  readonly name?: string;
  /** The start of the visitor's first message, at most 200 characters. */
  readonly firstWords: string;
  /** Of all exchanges of the visitor, whatever the filter. */
  readonly exchanges: number;
  readonly failed: number;
  readonly up: number;
  readonly down: number;
  readonly flagged: number;
  readonly unanswered: number;
  readonly lastSeen: number;
  /** The newest exchange that fits the filter; the list is in the order of these. */
  readonly match: OpsExchange;
  readonly cursor: Cursor;
}

/** Milliseconds: the mean, and median and 95th percentile, which may be 5 % off. */
export interface Percentiles {
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
}

/** What happened in a stretch of time. */
export interface Figures {
  readonly messages: number;
  /** Different visitors who wrote. */
  readonly visitors: number;
  readonly failed: number;
  readonly flagged: number;
  readonly unanswered: number;
  readonly up: number;
  readonly down: number;
  /** Undefined where nothing was measured. */
  readonly firstWordMs?: Percentiles;
  readonly totalMs?: Percentiles;
  /** What each model used; `model` is '' where none is known. */
  readonly models: readonly ModelUse[];
  /** Calls that were refused before they became a message, by error code. */
  readonly refused: Readonly<Record<string, number>>;
}

export interface ModelUse {
  readonly backend: string;
  readonly model: string;
  readonly runs: number;
  readonly input: number;
  readonly output: number;
}

/** A range of time in numbers. */
export interface Overview {
  readonly total: Figures;
  /** One for each pair of neighbouring edges. */
  readonly buckets: readonly Figures[];
  /** Error codes of failed turns, the most frequent first, at most 20. */
  readonly failures: readonly { readonly code: string; readonly count: number }[];
  /** Those with the most messages, at most 10. */
  readonly busiest: readonly {
    readonly visitor: Visitor;
    readonly name?: string;
    readonly messages: number;
    readonly tokens: number;
  }[];
}

/** What operators read. Long reads never hold up a visitor's message. */
export interface OpsReads {
  /** Threads with an exchange that fits, in the order of the newest that does. */
  conversations(filter: ExchangeFilter, page: PageRequest): Promise<Page<ConversationRow>>;
  /** Exchanges in the order of their messages' times. */
  exchanges(filter: ExchangeFilter, page: PageRequest): Promise<Page<OpsExchange>>;
  /** One exchange, also one that was cleared. */
  opsExchange(id: string): Promise<OpsExchange | undefined>;
  /** @param edges Ascending times; neighbours are the ends of a bucket (start inclusive, end exclusive). At least two. */
  overview(edges: readonly number[]): Promise<Overview>;
  /** Backends that have answered, by name. */
  backends(): Promise<readonly string[]>;
}

/** What was used on a day. `cost` is in millionths of the currency of PRICES. */
export interface Use {
  readonly tokens: number;
  readonly cost: number;
}

export interface DayUse {
  readonly site: Use;
  readonly visitor: Use;
}

/** Counts that outlive a restart and are common to all processes. */
export interface OpsCounts {
  /** Adds to the day's use of the site and the visitor; atomic. Gives both after it. */
  addUse(day: string, visitor: Visitor, use: Use): Promise<DayUse>;
  dayUse(day: string, visitor: Visitor): Promise<DayUse>;
  /** Adds refused calls, by error code, to the quarter of an hour of `at`. */
  addRefused(at: number, counts: Readonly<Record<string, number>>): Promise<void>;
}

/** All that operators need of a store. */
export interface OpsStore extends OpsReads, OpsCounts, ErasureStore, Outbox {}
