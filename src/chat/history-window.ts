import type { Exchange, Visitor } from './model.ts';
import type { Store } from './store-port.ts';

/** How many exchanges are asked of the store at a time. */
const PAGE = 50;

/**
 * What of a visitor's transcript a stateless upstream, or a rebuilt thread, is told: whole answered
 * exchanges, the newest that fit, oldest first.
 * @param maxChars UTF-16 units of messages and answers together.
 */
export const historyWindow = async (
  store: Store,
  visitor: Visitor,
  maxChars: number,
): Promise<Exchange[]> => {
  const told: Exchange[] = [];
  let left = maxChars;
  let before: string | undefined;
  while (left > 0) {
    const page = await store.recent(
      visitor,
      before === undefined ? { limit: PAGE } : { limit: PAGE, before },
    );
    for (const exchange of page) {
      // Failed, or logged by an older system without an answer: there is nothing to tell.
      if (!exchange.bot) continue;
      left -= exchange.user.length + exchange.bot.length;
      if (left < 0) return told.reverse();
      told.push(exchange);
    }
    before = page.at(-1)?.id;
    if (page.length < PAGE) break;
  }
  return told.reverse();
};
