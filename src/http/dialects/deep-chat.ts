import { createRoute, z } from '@hono/zod-openapi';
import { accepts } from 'hono/accepts';
import type { NumberedEvent } from '../../chat/live-turns.ts';
import { invalidRequest } from '../../errors.ts';
import { failures } from '../failure-answers.ts';
import { jsonBodyGuard } from '../request-guards.ts';
import { checkedRoutes, jsonBody, jsonOrStream } from '../route-parts.ts';
import { messageText } from '../schemas.ts';
import type { SocketProtocol } from '../socket/protocol.ts';
import { streamTurn } from '../stream-answer.ts';
import {
  acceptText,
  type ClientFormDeps,
  clientId,
  clientSpeaker,
  refuseFiles,
  untold,
} from './client-form.ts';
import type { Dialect } from './dialect.ts';

/**
 * deep-chat (https://deepchat.dev/docs/connect): `{messages: [{role, text}]}` in, `{text}` or server-sent
 * `data: {"text"}` out, `{error}` for a failure; over WebSocket the same in frames. Who speaks comes in a `user_id` or
 * `session_token` beside the messages (its `additionalBodyProps`), or in the `Authorization` header.
 */

const PATH = '/api/chat/deep-chat';

const request = z
  .looseObject(
    {
      messages: z
        .array(z.looseObject({ role: z.string().nullish(), text: z.unknown().optional() }), {
          error: 'messages must be a list of {role, text}.',
        })
        .min(1, { error: 'messages must hold at least one message.' }),
      user_id: clientId,
      session_token: z.string().max(4_096).nullish(),
    },
    { error: 'The body must be a JSON object.' },
  )
  .openapi('DeepChatRequest');

const postMessage = createRoute({
  method: 'post',
  path: PATH,
  summary: 'deep-chat: send the last message and get the answer',
  description: 'With `Accept: text/event-stream` the text comes piece by piece.',
  request: { body: jsonBody(request) },
  responses: {
    200: jsonOrStream('The answer', z.object({ text: z.string(), session_token: z.string().optional() })),
    ...failures('body', 'session', 'origin', 'limits', 'message', 'upstream'),
  },
});

/** The text of the newest message of the visitor: what was said before is in our own transcript. */
const lastText = (messages: z.output<typeof request>['messages']): unknown =>
  (messages.findLast(({ role }) => role === 'user') ?? messages.at(-1))?.text;

const data = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;
const eventText = ({ n, event }: NumberedEvent): string => {
  if (event.type === 'delta') return data({ text: event.text });
  if (event.type === 'error') return data({ error: event.error.message });
  const text = event.type === 'done' ? untold(n, event.exchange) : '';
  return text === '' ? '' : data({ text });
};

const frames = (maxChars: number): SocketProtocol => {
  const text = messageText(maxChars, 'text');
  return {
    read: (frame) => {
      const said = request.safeParse(jsonOf(frame));
      const last = said.success ? text.safeParse(lastText(said.data.messages)) : undefined;
      if (last?.success) return { type: 'message', text: last.data };
      const issue = said.error?.issues[0] ?? last?.error?.issues[0];
      return { type: 'refused', error: invalidRequest(issue?.message ?? 'The frame is not valid.') };
    },
    event: (_, { event }) => {
      if (event.type === 'done') return JSON.stringify({ text: event.exchange.bot ?? '' });
      return event.type === 'error' ? JSON.stringify({ error: event.error.message }) : undefined;
    },
    refusal: ({ message }) => JSON.stringify({ error: message }),
  };
};

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** POST /api/chat/deep-chat, and the same path as a WebSocket (`?token=`). */
export const deepChat = (deps: ClientFormDeps): Dialect => {
  const routes = checkedRoutes();
  routes.post(
    PATH,
    async function deepChatFailures(c, next) {
      c.set('failureAnswer', (error) => c.json({ error: error.message, code: error.code }, error.status));
      refuseFiles(c);
      await next();
    },
    deps.limits.post.byAddress,
    jsonBodyGuard(),
  );
  routes.openapi(postMessage, async (c) => {
    const { messages, user_id: id, session_token: sessionToken } = c.req.valid('json');
    const speaker = await clientSpeaker(c, { id, sessionToken: sessionToken ?? undefined }, deps.identity);
    const turn = await acceptText(c, { speaker, text: lastText(messages), field: 'text' }, deps);
    const wanted = accepts(c, {
      header: 'Accept',
      supports: ['application/json', 'text/event-stream'],
      default: 'application/json',
    });
    if (wanted === 'text/event-stream') return streamTurn(c, turn, { ...deps.messages, form: { eventText } });
    c.header('Cache-Control', 'no-store');
    const { newToken } = speaker;
    const text = (await turn.outcome).bot ?? '';
    return c.json({ text, ...(newToken === undefined ? {} : { session_token: newToken }) }, 200);
  });
  return { routes, sockets: { [PATH]: frames(deps.messages.maxChars) } };
};
