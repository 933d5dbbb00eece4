import { hash } from 'node:crypto';

/**
 * The id of an exchange from a log that has none (`{user_id: [{user, bot, timestamp}]}`). It follows from the
 * exchange's content and place, so that every start gives the same one until the log is rewritten with it.
 */
export const olderId = (
  key: string,
  index: number,
  exchange: { readonly user: string; readonly bot: string | null; readonly timestamp: number },
): string => {
  const place = JSON.stringify([key, index, exchange.user, exchange.bot, exchange.timestamp]);
  return `older-${hash('sha256', place).slice(0, 32)}`;
};
