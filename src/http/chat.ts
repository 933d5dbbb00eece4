import { createRoute } from '@hono/zod-openapi';
import { accepts } from 'hono/accepts';
import type { Chat } from '../chat/chat-api.ts';
import { type TakeMessageDeps, takeMessage } from './accept-message.ts';
import { toChatAnswer } from './chat-answer.ts';
import { sessionIdIn, withSession } from './dialects/session-api.ts';
import { checkedRoutes, failure } from './route-parts.ts';
import { chatAnswer, chatHeaders, chatRequest, sessionChatAnswer, sessionChatRequest } from './schemas.ts';
import { streamTurn } from './sse.ts';
import { type SpeakerDeps, whoSpeaks } from './who-speaks.ts';

export interface ChatRouteDeps extends SpeakerDeps, TakeMessageDeps {
  readonly chat: Chat;
  readonly maxMessageChars: number;
  readonly heartbeatMs: number;
  /** Whether clients of the session API are served, whose messages come here, too. */
  readonly sessionApi: boolean;
}

const postChat = ({ maxMessageChars, sessionApi }: ChatRouteDeps) =>
  createRoute({
    method: 'post',
    path: '/api/chat',
    summary: 'Send a message and get the answer',
    description:
      'With `Accept: text/event-stream` the answer comes as events: `accepted`, `delta` …, then `done` or `error`.',
    request: {
      headers: chatHeaders,
      body: {
        required: true,
        content: {
          'application/json': { schema: (sessionApi ? sessionChatRequest : chatRequest)(maxMessageChars) },
        },
      },
    },
    responses: {
      200: {
        description: 'The answer',
        content: {
          'application/json': { schema: sessionApi ? sessionChatAnswer : chatAnswer },
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
  checkedRoutes().openapi(postChat(deps), async (c) => {
    const body = c.req.valid('json');
    const sessionId = await sessionIdIn(body, deps);
    const speaker = await whoSpeaks(
      {
        authorization: c.req.header('authorization'),
        sessionToken: body.session_token || sessionId,
        userId: body.user_id,
      },
      deps,
    );
    const { newToken } = speaker;
    const key = c.req.valid('header')['idempotency-key'];
    const turn = await takeMessage(c, { speaker, text: body.message, key }, deps);
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
    const answer = toChatAnswer(await turn.outcome, newToken);
    return c.json(deps.sessionApi ? withSession(answer, speaker, sessionId) : answer, 200);
  });
