import { randomUUID } from 'node:crypto';
import { asAppError, logUnavailable } from '../errors.ts';
import type { ChatDeps, Message } from './chat-api.ts';
import { maskedFields } from './hooks.ts';
import type { AcceptedMessage } from './model.ts';
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
  ({ store, budget, clock, hooks = {} }: Pick<ChatDeps, 'store' | 'budget' | 'clock' | 'hooks'>) =>
  async ({ visitor, name, text, key }: Message): Promise<Taken> => {
    const health = store.health();
    if (!health.ok) throw logUnavailable({ cause: new Error(health.reason) });
    await budget.take(visitor);
    const message = { id: randomUUID(), visitor, name, user: text, timestamp: clock.now() / 1000, key };
    try {
      const begun = await store.accept(
        hooks.masked ? { ...message, ...maskedFields(message, hooks.masked) } : message,
      );
      if (begun.type === 'known') await budget.giveBack();
      return { message, begun };
    } catch (thrown) {
      // Where the log is out there is nothing to give it back to.
      if (asAppError(thrown).code === 'thread_busy') await budget.giveBack();
      throw thrown;
    }
  };
