import { randomUUID } from 'node:crypto';
import { asAppError, logUnavailable } from '../errors.ts';
import type { ChatDeps, Message } from './chat-api.ts';
import { maskedFields } from './hooks.ts';
import { type AcceptedMessage, visitorKey } from './model.ts';
import type { Accepted } from './store-port.ts';

/** A message as it was offered to the store, and what became of it. */
export interface OfferedMessage {
  /** As its visitor sent it; the store has it masked where that is set. */
  readonly message: AcceptedMessage;
  readonly accepted: Exclude<Accepted, { type: 'over' }>;
}

/**
 * Accepts messages: counts them by day, names them and makes them durable. What is refused is not counted.
 * @throws AppError `log_unavailable`, `budget_spent`, `thread_busy`
 */
export const createAccept =
  ({ store, budget, clock, hooks = {} }: Pick<ChatDeps, 'store' | 'budget' | 'clock' | 'hooks'>) =>
  async ({ visitor, name, text, key, address }: Message): Promise<OfferedMessage> => {
    const health = store.health();
    if (!health.ok) throw logUnavailable({ cause: new Error(health.reason) });
    await hooks.mayAccept?.(visitor);
    const part = await budget.take({
      visitor,
      // The site knows its verified visitors, who may share an address: each has a share.
      sharer: visitor.kind === 'verified' ? visitorKey(visitor) : address,
      isCountedByStore: store.countsOnAccept === true,
    });
    const message = { id: randomUUID(), visitor, name, user: text, timestamp: clock.now() / 1000, key };
    const written = hooks.masked ? { ...message, ...maskedFields(message, hooks.masked) } : message;
    try {
      const accepted = await store.accept(written, part.day);
      if (accepted.type === 'over') throw budget.spent(accepted.of);
      if (accepted.type === 'known') await part.giveBack();
      else if (accepted.count !== undefined) budget.counted(accepted.count);
      return { message, accepted };
    } catch (thrown) {
      // Where the log is out there is nothing to give it back to.
      if (['thread_busy', 'budget_spent'].includes(asAppError(thrown).code)) await part.giveBack();
      throw thrown;
    }
  };
