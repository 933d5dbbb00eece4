import { randomUUID } from 'node:crypto';
import { asAppError, logUnavailable } from '../errors.ts';
import type { ChatDeps, Message } from './chat-api.ts';
import { type AcceptedMessage, visitorKey } from './model.ts';
import type { Accepted } from './store-port.ts';

/** A message as it was offered to the store, and what became of it. */
export interface Taken {
  readonly message: AcceptedMessage;
  readonly begun: Accepted;
}

/**
 * Takes messages: counts them by day, names them and makes them durable. What is refused is not counted.
 * @throws AppError `log_unavailable`, `budget_spent`, `thread_busy`
 */
export const createAccept =
  ({ store, budget, clock }: Pick<ChatDeps, 'store' | 'budget' | 'clock'>) =>
  async ({ visitor, name, text, key, address }: Message): Promise<Taken> => {
    const health = store.health();
    if (!health.ok) throw logUnavailable({ cause: new Error(health.reason) });
    // The site knows its verified visitors, who may share an address: each has a share.
    const giveBack = await budget.take(visitor.kind === 'verified' ? visitorKey(visitor) : address);
    const message = { id: randomUUID(), visitor, name, user: text, timestamp: clock.now() / 1000, key };
    try {
      const begun = await store.accept(message);
      if (begun.type === 'known') await giveBack();
      return { message, begun };
    } catch (thrown) {
      // Where the log is out there is nothing to give it back to.
      if (asAppError(thrown).code === 'thread_busy') await giveBack();
      throw thrown;
    }
  };
