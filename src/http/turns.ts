import { createRoute, z } from '@hono/zod-openapi';
import { isOwnId } from '../chat/exchange-id.ts';
import type { Turn } from '../chat/live-turns.ts';
import { invalidRequest, notFound } from '../errors.ts';
import { failures } from './failure-answers.ts';
import type { RouteDeps } from './route-deps.ts';
import { checkedRoutes, EVENTS } from './route-parts.ts';
import { streamTurn } from './stream-answer.ts';
import { mayReadTurn } from './turn-access.ts';
import { bearer } from './who-speaks.ts';

const params = z.object({
  id: z.string().openapi({ param: { name: 'id', in: 'path' }, description: 'The id of the exchange.' }),
});

const lastEventId = z.object({
  'last-event-id': z
    .string()
    .regex(/^[^:\s]{1,128}:\d{1,9}$/, { error: 'Last-Event-ID must be the id of an event of this exchange.' })
    .optional()
    .openapi({ description: 'The id of the last event that was read; absent: all from the first.' }),
});

/** `not_found`: unknown, or another visitor's. */
const COMMON = ['token', 'origin', 'not_found', 'limits', 'internal_error', 'log'] as const;

const getEvents = createRoute({
  method: 'get',
  path: '/api/chat/{id}/events',
  summary: 'Go on reading an answer',
  description:
    'The events after `Last-Event-ID`, from the turn while it lives, else what is left from the log.',
  request: { params, headers: lastEventId },
  responses: {
    200: EVENTS,
    ...failures('invalid_request', ...COMMON),
  },
});

const deleteChat = createRoute({
  method: 'delete',
  path: '/api/chat/{id}',
  summary: 'Stop an answer',
  description: 'What was said so far is the answer, `truncated`. An answer that is over stays as it is.',
  request: { params },
  responses: { 204: { description: 'The turn is over' }, ...failures(...COMMON) },
});

/** GET /api/chat/{id}/events and DELETE /api/chat/{id}: reading on, and stopping. */
export const turnRoutes = ({
  chat,
  identity,
  limits,
  messages,
}: Pick<RouteDeps, 'chat' | 'identity' | 'limits' | 'messages'>) => {
  /** @throws AppError `not_found` for what is unknown or another's; what the caller's token is refused with. */
  const allowedTurn = async (id: string, authorization: string | undefined): Promise<Turn> => {
    const turn = isOwnId(id) ? await chat.turn(id) : undefined;
    if (!turn || !(await mayReadTurn(turn.visitor, bearer(authorization), identity))) throw notFound();
    return turn;
  };

  const routes = checkedRoutes();
  routes.get('/api/chat/:id/events', limits.read.byAddress);
  routes.delete('/api/chat/:id', limits.read.byAddress);
  return routes
    .openapi(getEvents, async (c) => {
      const { id } = c.req.valid('param');
      const turn = await allowedTurn(id, c.req.header('authorization'));
      c.set('exchangeId', id);
      const [of = id, n] = c.req.valid('header')['last-event-id']?.split(':') ?? [];
      if (of !== id) throw invalidRequest('Last-Event-ID must be the id of an event of this exchange.');
      return streamTurn(c, turn, {
        heartbeatMs: messages.heartbeatMs,
        from: n === undefined ? 0 : Number(n) + 1,
      });
    })
    .openapi(deleteChat, async (c) => {
      const { id } = c.req.valid('param');
      await allowedTurn(id, c.req.header('authorization'));
      c.set('exchangeId', id);
      await chat.stop(id);
      return c.body(null, 204);
    });
};
