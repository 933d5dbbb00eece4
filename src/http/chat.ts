import { createRoute, type z } from '@hono/zod-openapi';
import { accepts } from 'hono/accepts';
import { acceptMessage } from './accept-message.ts';
import { toChatAnswer } from './answer-fields.ts';
import type { ChatAddition, Dialect } from './dialects/dialect.ts';
import { failures } from './failure-answers.ts';
import type { RouteDeps } from './route-deps.ts';
import { checkedRoutes, EVENTS, json, jsonBody } from './route-parts.ts';
import { chatAnswer, chatHeaders, chatRequest } from './schemas.ts';
import { streamTurn } from './stream-answer.ts';
import { whoSpeaks } from './who-speaks.ts';

/** @param additions What the dialects that are on add. */
const postChat = (maxChars: number, additions: readonly ChatAddition[]) => {
  const request: z.ZodRawShape = Object.assign({}, ...additions.map((addition) => addition.request));
  const answer: z.ZodRawShape = Object.assign({}, ...additions.map((addition) => addition.answer));
  return createRoute({
    method: 'post',
    path: '/api/chat',
    summary: 'Send a message and get the answer',
    description:
      'With `Accept: text/event-stream` the answer comes as events: `accepted`, `delta` …, then `done` or `error`.',
    request: {
      headers: chatHeaders,
      body: jsonBody(chatRequest(maxChars, request).openapi('ChatRequest')),
    },
    responses: {
      200: {
        description: 'The answer',
        content: {
          ...json('', chatAnswer.extend(answer).openapi('ChatAnswer')).content,
          ...EVENTS.content,
        },
      },
      ...failures('body', 'session', 'user_mismatch', 'origin', 'limits', 'message', 'upstream'),
    },
  });
};

/** POST /api/chat: one message in, one answer out; as JSON or as a stream of the same events. */
export const chatRoutes = (
  deps: Pick<RouteDeps, 'chat' | 'edge' | 'identity' | 'limits' | 'messages'>,
  dialects: readonly Dialect[],
) => {
  const { identity, messages } = deps;
  const additions = dialects.flatMap(({ chat = [] }) => chat);
  return checkedRoutes().openapi(postChat(messages.maxChars, additions), async (c) => {
    const body = c.req.valid('json');
    const added = await Promise.all(
      additions.map(async (addition) => ({ addition, token: await addition.sessionToken(body) })),
    );
    const speaker = await whoSpeaks(
      {
        authorization: c.req.header('authorization'),
        sessionToken: body.session_token || added.find(({ token }) => token !== undefined)?.token,
        userId: body.user_id,
      },
      identity,
    );
    const { newToken } = speaker;
    const key = c.req.valid('header')['idempotency-key'];
    const turn = await acceptMessage(c, { speaker, text: body.message, key }, deps);
    const wanted = accepts(c, {
      header: 'Accept',
      supports: ['application/json', 'text/event-stream'],
      default: 'application/json',
    });
    if (wanted === 'text/event-stream') {
      return streamTurn(c, turn, {
        toAnswer: ({ exchange }) => toChatAnswer(exchange, newToken),
        newToken,
        heartbeatMs: messages.heartbeatMs,
      });
    }
    c.header('Cache-Control', 'no-store');
    const answer = toChatAnswer(await turn.outcome, newToken);
    const more = added.map(({ addition, token }) => addition.answerFields(answer, speaker, token));
    return c.json(Object.assign(answer, ...more), 200);
  });
};
