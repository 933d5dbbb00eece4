import type { Context } from 'hono';
import type { Turn } from '../chat/live-turns.ts';
import type { AppEnv } from './context.ts';
import { addressOf } from './edge.ts';
import type { RouteDeps } from './route-deps.ts';
import type { Speaker } from './who-speaks.ts';

/**
 * Accepts a message that came in a request, in whichever wire form: the one way into the core.
 * @param said.key The caller's own name of the message.
 * @throws AppError as `Chat.send`, and `rate_limited`
 */
export const acceptMessage = async (
  c: Context<AppEnv>,
  said: { readonly speaker: Speaker; readonly text: string; readonly key: string | undefined },
  { chat, edge, limits }: Pick<RouteDeps, 'chat' | 'edge' | 'limits'>,
): Promise<Turn> => {
  const { speaker, text, key } = said;
  const { visitor, name } = speaker;
  if (speaker.bySiteKey) await limits.post.byVisitor(c, visitor);
  await limits.visitor.count(visitor, c);
  const address = addressOf(c.env.incoming, edge);
  const turn = await chat.send({ visitor, name, text, key, address, requestId: c.get('requestId') });
  c.set('exchangeId', turn.id);
  return turn;
};
