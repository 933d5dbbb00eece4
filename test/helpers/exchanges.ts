import { randomUUID } from 'node:crypto';
import type { AcceptedMessage, Exchange, Visitor } from '../../src/chat/model.ts';

export const user = (id: string): Visitor => ({ kind: 'user', id });
export const anonymous = (session: string): Visitor => ({ kind: 'anonymous', id: session });

let clock = 1_767_225_600_000; // 2026-01-01

/** A message that was just accepted; each a little later than the one before. */
export const message = (visitor: Visitor, text = 'Hello!', id: string = randomUUID()): AcceptedMessage => {
  clock += 1000;
  return { id, visitor, user: text, timestamp: clock / 1000 };
};

/** A message and its answer. */
export const exchange = (visitor: Visitor, overrides: Partial<Exchange> = {}): Exchange => ({
  ...message(visitor),
  bot: 'Hello there!',
  ...overrides,
});
