import { createRoute, z } from '@hono/zod-openapi';
import type { Chat } from '../chat/chat-api.ts';
import type { Turn } from '../chat/live-turns.ts';
import { type Visitor, visitorKey } from '../chat/model.ts';
import { invalidRequest, notFound } from '../errors.ts';
import { toChatAnswer } from './chat-answer.ts';
import { checkedRoutes, failure } from './route-parts.ts';
import { streamTurn } from './sse.ts';
import { bearer, type SpeakerDeps, visitorIn } from './who-speaks.ts';

export interface TurnRouteDeps extends SpeakerDeps {
  readonly chat: Chat;
  readonly heartbeatMs: number;
}

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

const refusals = {
  401: failure('session_invalid, session_expired'),
  403: failure('origin_not_allowed'),
  404: failure('not_found: unknown, or not yours'),
  429: failure('rate_limited'),
  500: failure('internal_error'),
};

const getEvents = createRoute({
  method: 'get',
  path: '/api/chat/{id}/events',
  summary: 'Go on reading an answer',
  description:
    'The events after `Last-Event-ID`, from the turn while it lives, else what is left from the log.',
  request: { params, headers: lastEventId },
  responses: {
    200: {
      description: 'The events',
      content: { 'text/event-stream': { schema: { type: 'string' as const } } },
    },
    400: failure('invalid_request'),
    ...refusals,
    503: failure('log_unavailable'),
  },
});

const deleteChat = createRoute({
  method: 'delete',
  path: '/api/chat/{id}',
  summary: 'Stop an answer',
  description: 'What was said so far is the answer, `truncated`. An answer that is over stays as it is.',
  request: { params },
  responses: { 204: { description: 'The turn is over' }, ...refusals, 503: failure('log_unavailable') },
});

/** Whose ids may name an exchange here: those that we made. Ids of older logs follow from content, and can be guessed. */
const ownId = z.uuidv4();
export const isOwnId = (id: string): boolean => ownId.safeParse(id).success;

/**
 * Whether the caller may read and stop a visitor's turn: the visitor by its token, the site for those it vouches for,
 * and, where naming the visitor would do (an open `user_id`), whoever knows the exchange's id: that is at least as
 * hard to guess.
 * @throws AppError `session_invalid`, `session_expired`
 */
const isAllowed = async (
  visitor: Visitor,
  authorization: string | undefined,
  { tokens, identity, isSiteKey, verifiedUsers }: TurnRouteDeps,
): Promise<boolean> => {
  const given = bearer(authorization);
  if (given === undefined) {
    return visitor.kind === 'user' && identity === 'open' && !(await verifiedUsers.isVerified(visitor.id));
  }
  // Only reading here: it must not make the visitor a verified one.
  if (isSiteKey(given)) return visitor.kind === 'verified';
  return visitorKey(visitorIn(await tokens.verify(given))) === visitorKey(visitor);
};

/** GET /api/chat/{id}/events and DELETE /api/chat/{id}: reading on, and stopping. */
export const turnRoutes = (deps: TurnRouteDeps) => {
  /** @throws AppError `not_found` for what is unknown or another's; what the caller's token is refused with. */
  const allowedTurn = async (id: string, authorization: string | undefined): Promise<Turn> => {
    const turn = isOwnId(id) ? await deps.chat.turn(id) : undefined;
    if (!turn || !(await isAllowed(turn.visitor, authorization, deps))) throw notFound();
    return turn;
  };

  return checkedRoutes()
    .openapi(getEvents, async (c) => {
      const { id } = c.req.valid('param');
      const turn = await allowedTurn(id, c.req.header('authorization'));
      c.set('exchangeId', id);
      const [of = id, n] = c.req.valid('header')['last-event-id']?.split(':') ?? [];
      if (of !== id) throw invalidRequest('Last-Event-ID must be the id of an event of this exchange.');
      return streamTurn(c, turn, {
        toAnswer: ({ exchange }) => toChatAnswer(exchange),
        newToken: undefined,
        heartbeatMs: deps.heartbeatMs,
        from: n === undefined ? 0 : Number(n) + 1,
      });
    })
    .openapi(deleteChat, async (c) => {
      const { id } = c.req.valid('param');
      await allowedTurn(id, c.req.header('authorization'));
      c.set('exchangeId', id);
      await deps.chat.stop(id);
      return c.body(null, 204);
    });
};
