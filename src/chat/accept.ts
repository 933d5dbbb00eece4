import { randomUUID } from 'node:crypto';
import { asAppError, logUnavailable } from '../errors.ts';
import type { ChatDeps, Message } from './chat-api.ts';
import { maskedFields } from './hooks.ts';
import type { AcceptedMessage } from './model.ts';
import type { Accepted } from './store-port.ts';

/** A message as it was offered to the store, and what became of it. */
export interface Taken {
  readonly message: AcceptedMessage;
  readonly begun: Exclude<Accepted, { type: 'over' }>;
}

/**
 * Accepts messages: counts them by day, names them and makes them durable. What is refused is not counted.
 * @throws AppError `log_unavailable`, `budget_spent`, `thread_busy`
 */
export const createAccept = ({
  store,
  budget,
  clock,
  hooks = {},
}: Pick<ChatDeps, 'store' | 'budget' | 'clock' | 'hooks'>) => {
  const named = ({ visitor, name, text, key }: Message): AcceptedMessage => ({
    ...{ id: randomUUID(), visitor, name, user: text, key },
    timestamp: clock.now() / 1000,
  });
  const masked = (message: AcceptedMessage): AcceptedMessage =>
    hooks.masked ? { ...message, ...maskedFields(message, hooks.masked) } : message;

  /** For a store that counts the message in the statement that records it. */
  const acceptAndCount = async (offered: Message): Promise<Taken> => {
    const day = await budget.today(offered.visitor);
    const message = named(offered);
    const begun = await store.accept(masked(message), day);
    if (begun.type === 'over') throw budget.spent();
    if (begun.type === 'accepted' && begun.count !== undefined) budget.counted(begun.count);
    return { message, begun };
  };

  const countAndAccept = async (offered: Message): Promise<Taken> => {
    await budget.take(offered.visitor);
    const message = named(offered);
    try {
      const begun = await store.accept(masked(message));
      if (begun.type === 'over') throw budget.spent();
      if (begun.type === 'known') await budget.giveBack();
      return { message, begun };
    } catch (thrown) {
      // Where the log is out there is nothing to give it back to.
      if (asAppError(thrown).code === 'thread_busy') await budget.giveBack();
      throw thrown;
    }
  };

  return async (offered: Message): Promise<Taken> => {
    const health = store.health();
    if (!health.ok) throw logUnavailable({ cause: new Error(health.reason) });
    return store.countsOnAccept ? acceptAndCount(offered) : countAndAccept(offered);
  };
};
