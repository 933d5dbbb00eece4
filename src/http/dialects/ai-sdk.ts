import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { NumberedEvent, Turn } from '../../chat/live-turns.ts';
import { filesNotTaken, invalidRequest } from '../../errors.ts';
import type { AppEnv } from '../context.ts';
import { failures } from '../failure-answers.ts';
import { jsonBodyGuard } from '../request-guards.ts';
import { checkedRoutes, EVENTS, jsonBody } from '../route-parts.ts';
import { messageKey } from '../schemas.ts';
import { streamTurn } from '../stream-answer.ts';
import {
  acceptText,
  type ClientFormDeps,
  clientId,
  clientSpeaker,
  createRunningTurns,
  parsed,
  plainRefusal,
  untold,
} from './client-form.ts';
import type { Dialect } from './dialect.ts';

/**
 * `useChat` of the AI SDK 5 and 6 (https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol): `{id, messages, trigger}` in, the
 * UI message stream out. `GET {path}/{id}/stream` resumes an answer, `DELETE` of it stops one. Its `id` is the
 * conversation: a `user_id` on trust.
 */

const PATH = '/api/chat/ai-sdk';

const request = z
  .looseObject(
    {
      id: clientId,
      trigger: z.enum(['submit-message', 'regenerate-message', 'resume-stream']).default('submit-message'),
      messages: z
        .array(
          z.looseObject({
            id: z.string().nullish(),
            role: z.string(),
            parts: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })).default([]),
          }),
          { error: 'messages must be a list of UI messages.' },
        )
        .default([]),
    },
    { error: 'The body must be a JSON object.' },
  )
  .openapi('AiSdkRequest');

const send = createRoute({
  method: 'post',
  path: PATH,
  summary: 'AI SDK useChat: send the last message and read the answer',
  request: { body: jsonBody(request) },
  responses: {
    200: EVENTS,
    204: { description: 'Nothing is being answered' },
    ...failures('body', 'session', 'origin', 'limits', 'message', 'upstream'),
  },
});
const chatParams = z.object({ id: z.string().openapi({ param: { name: 'id', in: 'path' } }) });
const resume = createRoute({
  method: 'get',
  path: `${PATH}/{id}/stream`,
  summary: 'AI SDK useChat: read an answer that is being given',
  request: { params: chatParams },
  responses: {
    200: EVENTS,
    204: { description: 'Nothing is being answered' },
    ...failures('session', 'origin', 'limits'),
  },
});
const stop = createRoute({
  method: 'delete',
  path: `${PATH}/{id}/stream`,
  summary: 'AI SDK useChat: stop an answer',
  description:
    'Its own `stop()` only stops reading: the answer goes on, and is there when the page comes back.',
  request: { params: chatParams },
  responses: { 204: { description: 'The answer is over' }, ...failures('session', 'origin', 'limits') },
});

const data = (chunk: object): string => `data: ${JSON.stringify(chunk)}\n\n`;

/** The text part's id: there is one a message. */
const TEXT = { id: 'text' };

const textChunks = (n: number, text: string): string =>
  (n === 1 ? data({ type: 'text-start', ...TEXT }) : '') + data({ type: 'text-delta', ...TEXT, delta: text });

const eventText = ({ n, event }: NumberedEvent, id: string): string => {
  switch (event.type) {
    case 'accepted':
      return data({ type: 'start', messageId: id }) + data({ type: 'start-step' });
    case 'delta':
      return textChunks(n, event.text);
    case 'error':
      return `${data({ type: 'error', errorText: event.error.message })}data: [DONE]\n\n`;
    case 'done': {
      const { sources = [], truncated } = event.exchange;
      const quoted = sources.map(({ n: number, title, url }) => {
        const common = { sourceId: String(number), title };
        return url === undefined
          ? data({ type: 'source-document', ...common, mediaType: 'text/plain' })
          : data({ type: 'source-url', ...common, url });
      });
      const text = untold(n, event.exchange);
      return [
        ...(text === '' ? [] : [textChunks(n, text)]),
        // An answer that was stopped before its first word has no text part.
        ...(n > 1 || text !== '' ? [data({ type: 'text-end', ...TEXT })] : []),
        ...quoted,
        data({ type: 'finish-step' }),
        data({ type: 'finish', finishReason: truncated ? 'length' : 'stop' }),
        'data: [DONE]\n\n',
      ].join('');
    }
  }
};

/** The text of the visitor's newest message, and its id at the client. */
const lastMessage = (messages: z.output<typeof request>['messages']) => {
  const last = messages.findLast(({ role }) => role === 'user');
  if (!last) throw invalidRequest('messages must hold a message of the user.');
  if (last.parts.some(({ type }) => type === 'file')) {
    throw filesNotTaken();
  }
  const text = last.parts.flatMap(({ type, text = '' }) => (type === 'text' ? [text] : [])).join('\n');
  return { id: last.id ?? undefined, text };
};

/** The client's own id of a message is its idempotency key, so that one that was sent again is answered once. */
const keyOf = (id: string | undefined): string | undefined => messageKey('id').safeParse(id).data;

/** POST /api/chat/ai-sdk, GET and DELETE /api/chat/ai-sdk/{id}/stream. */
export const aiSdk = (deps: ClientFormDeps): Dialect => {
  const routes = checkedRoutes();
  const running = createRunningTurns();

  const written = (c: Context<AppEnv>, turn: Turn): Response => {
    c.header('x-vercel-ai-ui-message-stream', 'v1');
    return streamTurn(c, turn, { ...deps.messages, form: { eventText } });
  };
  const runningFor = async (c: Context<AppEnv>, id: string): Promise<Turn | undefined> => {
    const speaker = await clientSpeaker(c, { id: parsed(clientId, id) }, deps.identity);
    return running.of(speaker.visitor);
  };

  routes.use(`${PATH}/*`, async function aiSdkFailures(c, next) {
    // Its `error.message` is the text of a refused answer, whole.
    c.set('failureAnswer', (error) => plainRefusal(c, error));
    await next();
  });
  routes.post(PATH, deps.limits.post.byAddress, jsonBodyGuard());
  routes.on(['GET', 'DELETE'], `${PATH}/:id/stream`, deps.limits.read.byAddress);

  routes.openapi(send, async (c) => {
    const { id, messages, trigger } = c.req.valid('json');
    const speaker = await clientSpeaker(c, { id }, deps.identity);
    if (trigger === 'resume-stream') {
      const turn = running.of(speaker.visitor);
      return turn ? written(c, turn) : c.body(null, 204);
    }
    const last = lastMessage(messages);
    // Asked for again, the same message is a new one.
    const key = trigger === 'regenerate-message' ? undefined : keyOf(last.id);
    const turn = await acceptText(c, { speaker, text: last.text, field: 'text', key }, deps);
    running.add(turn);
    return written(c, turn);
  });
  routes.openapi(resume, async (c) => {
    const turn = await runningFor(c, c.req.valid('param').id);
    // A cache would keep it, and hide the next answer.
    if (!turn) c.header('Cache-Control', 'no-store');
    return turn ? written(c, turn) : c.body(null, 204);
  });
  routes.openapi(stop, async (c) => {
    const turn = await runningFor(c, c.req.valid('param').id);
    if (turn) await deps.chat.stop(turn.id);
    return c.body(null, 204);
  });
  return { routes };
};
