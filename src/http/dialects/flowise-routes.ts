import { createRoute, z } from '@hono/zod-openapi';
import { failures } from '../failure-answers.ts';
import { json, jsonBody, jsonOrStream } from '../route-parts.ts';
import { clientId } from './client-form.ts';

/** The routes that flowise-embed calls, as they are described and checked. */

const flow = z.object({ id: z.string().openapi({ param: { name: 'id', in: 'path' } }) });
const anything = json('What the window asks for', z.record(z.string(), z.unknown()));

export const isStreaming = createRoute({
  method: 'get',
  path: '/api/v1/chatflows-streaming/{id}',
  summary: 'flowise-embed: whether answers are streamed',
  request: { params: flow },
  responses: { 200: json('They are', z.object({ isStreaming: z.literal(true) })) },
});

export const publicConfig = createRoute({
  method: 'get',
  path: '/api/v1/public-chatbotConfig/{id}',
  summary: 'flowise-embed: what the window can do',
  request: { params: flow },
  responses: { 200: anything },
});

export const prediction = createRoute({
  method: 'post',
  path: '/api/v1/prediction/{id}',
  summary: 'flowise-embed: send a question and get the answer',
  request: {
    params: flow,
    body: jsonBody(
      z
        .looseObject(
          {
            question: z.unknown().optional(),
            chatId: clientId,
            streaming: z.unknown().optional(),
            uploads: z.array(z.unknown()).nullish(),
          },
          { error: 'The body must be a JSON object.' },
        )
        .openapi('FlowiseRequest'),
    ),
  },
  responses: {
    200: jsonOrStream('The answer', z.record(z.string(), z.unknown())),
    ...failures('body', 'session', 'origin', 'limits', 'message', 'upstream'),
  },
});

export const abort = createRoute({
  method: 'put',
  path: '/api/v1/chatmessage/abort/{id}/{chatId}',
  summary: 'flowise-embed: stop the answer',
  request: {
    params: flow.extend({ chatId: z.string().openapi({ param: { name: 'chatId', in: 'path' } }) }),
  },
  responses: { 200: anything, ...failures('session', 'origin', 'limits') },
});

const COMMENT = 'content must be a text of at most 1000 characters.';
const comment = z.string({ error: COMMENT }).max(1_000, { error: COMMENT }).nullish();
export const RATINGS = { THUMBS_UP: 'up', THUMBS_DOWN: 'down' } as const;

export const rate = createRoute({
  method: 'post',
  path: '/api/v1/feedback/{id}',
  summary: 'flowise-embed: rate an answer',
  request: {
    params: flow,
    body: jsonBody(
      z.looseObject({
        messageId: z.string(),
        rating: z.enum(['THUMBS_UP', 'THUMBS_DOWN'], { error: 'rating must be THUMBS_UP or THUMBS_DOWN.' }),
        content: comment,
      }),
    ),
  },
  responses: { 200: anything, ...failures('body', 'session', 'origin', 'limits', 'not_found') },
});

export const remark = createRoute({
  method: 'put',
  path: '/api/v1/feedback/{id}',
  summary: 'flowise-embed: add a comment to a rating',
  request: { params: flow, body: jsonBody(z.looseObject({ content: comment })) },
  responses: { 200: anything, ...failures('body', 'session', 'origin', 'limits', 'not_found') },
});
