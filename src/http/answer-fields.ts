import type { Exchange } from '../chat/model.ts';
import type { ChatAnswer } from './schemas.ts';

/** The JSON answer that an exchange stands for. @param newToken Of a session that began with its message. */
export const toChatAnswer = (exchange: Exchange, newToken?: string): ChatAnswer => ({
  answer: exchange.bot ?? '',
  id: exchange.id,
  ...(newToken === undefined ? {} : { session_token: newToken }),
  ...(exchange.truncated ? { truncated: true as const } : {}),
  ...(exchange.sources ? { sources: exchange.sources } : {}),
});
