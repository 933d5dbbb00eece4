import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach } from 'vitest';
import type { Exchange, Feedback, Visitor } from '../../../src/chat/model.ts';
import type { Store } from '../../../src/chat/store-port.ts';
import type { ExchangeFilter, OpsStore, PageRequest } from '../../../src/ops/ops-port.ts';

/** A store under test, on data of its own. */
export interface OpsUnderTest {
  readonly store: Store;
  readonly ops: OpsStore;
  /** Sets what a visitor thought of an exchange. */
  rate(id: string, feedback: Feedback): Promise<void>;
  /** Closes the store and opens it again on the same data. */
  reopen(): Promise<Pick<OpsUnderTest, 'store' | 'ops' | 'rate'>>;
  /** Whether a text is anywhere in what the store keeps: every file, or every table. */
  keeps(text: string): Promise<boolean>;
  dispose(): Promise<void>;
}

export type OpenOps = () => Promise<OpsUnderTest>;

export const ann: Visitor = { kind: 'user', id: 'ann' };
export const bob: Visitor = { kind: 'verified', id: 'bob' };
export const guest: Visitor = { kind: 'anonymous', id: 'session-1' };
/** 2026-03-01T00:00:00Z */
export const START = 1_772_323_200;
export const HOUR = 3_600;

/** Opens a store for each test of the suite it is called in, and says how to fill and read it. */
export const useOpsStore = (open: OpenOps) => {
  let opened: OpsUnderTest;
  let clock = START;
  beforeEach(async () => {
    clock = START;
    opened = await open();
  });
  afterEach(() => opened.dispose());

  const add = async (visitor: Visitor, fields: Partial<Exchange> = {}): Promise<Exchange> => {
    clock += 60;
    const exchange: Exchange = {
      id: randomUUID(),
      visitor,
      user: 'Hello!',
      bot: 'Hello there!',
      timestamp: clock,
      ...fields,
    };
    await opened.store.accept(exchange);
    await opened.store.finish(exchange);
    return exchange;
  };
  const failed = (visitor: Visitor, error = 'upstream_timeout') => add(visitor, { bot: null, error });
  const listed = async (filter: ExchangeFilter = {}, page: PageRequest = { limit: 50 }) =>
    (await opened.ops.conversations(filter, page)).rows.map(({ visitor }) => visitor.id);
  const found = async (filter: ExchangeFilter = {}, page: PageRequest = { limit: 50 }) =>
    (await opened.ops.exchanges(filter, page)).rows.map(({ id }) => id);
  return {
    ...{ add, failed, listed, found },
    get store() {
      return opened.store;
    },
    get ops() {
      return opened.ops;
    },
    /** The time of the message that was added last. */
    get now() {
      return clock;
    },
    rate: (id: string, feedback: Feedback) => opened.rate(id, feedback),
    keeps: (text: string) => opened.keeps(text),
    reopen: () => opened.reopen(),
  };
};
