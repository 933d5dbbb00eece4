import { createRoute } from '@hono/zod-openapi';
import { accepts } from 'hono/accepts';
import type { Chat } from '../chat/chat-api.ts';
import { toChatAnswer } from './chat-answer.ts';
import type { CallLimit } from './limits.ts';
import { checkedRoutes, failure } from './route-parts.ts';
import { chatAnswer, chatHeaders, chatRequest } from './schemas.ts';
import { streamTurn } from './sse.ts';
import { type SpeakerDeps, whoSpeaks } from './who-speaks.ts';

export interface ChatRouteDeps extends SpeakerDeps {
  readonly chat: Chat;
  readonly postLimit: CallLimit;
  readonly maxMessageChars: number;
  readonly heartbeatMs: number;
}

const postChat = (maxMessageChars: number) =>
  createRoute({
    method: 'post',
    path: '/api/chat',
    summary: 'Send a message and get the answer',
    description:
      'With `Accept: text/event-stream` the answer comes as events: `accepted`, `delta` …, then `done` or `error`.',
    request: {
      headers: chatHeaders,
      body: { required: true, content: { 'application/json': { schema: chatRequest(maxMessageChars) } } },
    },
    responses: {
      200: {
        description: 'The answer',
        content: {
          'application/json': { schema: chatAnswer },
          'text/event-stream': { schema: { type: 'string' as const } },
        },
      },
      400: failure('invalid_json, invalid_request'),
      401: failure('session_required, session_invalid, session_expired'),
      403: failure('user_mismatch, origin_not_allowed'),
      409: failure('thread_busy'),
      413: failure('body_too_large'),
      415: failure('unsupported_media_type'),
      422: failure('idempotency_mismatch'),
      429: failure('rate_limited, budget_spent'),
      500: failure('internal_error'),
      502: failure('upstream_unreachable, upstream_unauthorized, upstream_rejected, upstream_failed'),
      503: failure('upstream_busy, overloaded, log_unavailable, shutting_down'),
      504: failure('upstream_timeout'),
    },
  });

/** POST /api/chat: one message in, one answer out; as JSON or as a stream of the same events. */
export const chatRoutes = (deps: ChatRouteDeps) =>
  checkedRoutes().openapi(postChat(deps.maxMessageChars), async (c) => {
    const body = c.req.valid('json');
    const { visitor, name, newToken, bySiteKey } = await whoSpeaks(
      {
        authorization: c.req.header('authorization'),
        sessionToken: body.session_token,
        userId: body.user_id,
      },
      deps,
    );
    if (bySiteKey) await deps.postLimit.byVisitor(c, visitor);
    const turn = await deps.chat.send({
      visitor,
      name,
      text: body.message,
      key: c.req.valid('header')['idempotency-key'],
    });
    c.set('exchangeId', turn.id);
    const wanted = accepts(c, {
      header: 'Accept',
      supports: ['application/json', 'text/event-stream'],
      default: 'application/json',
    });
    if (wanted === 'text/event-stream') {
      return streamTurn(c, turn, {
        toAnswer: ({ exchange }) => toChatAnswer(exchange, newToken),
        newToken,
        heartbeatMs: deps.heartbeatMs,
      });
    }
    c.header('Cache-Control', 'no-store');
    return c.json(toChatAnswer(await turn.outcome, newToken), 200);
  });
