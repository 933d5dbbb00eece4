import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { NumberedEvent } from '../../chat/live-turns.ts';
import type { Exchange, Feedback, Source } from '../../chat/model.ts';
import { type AppError, filesNotTaken, notFound } from '../../errors.ts';
import type { AppEnv } from '../context.ts';
import { failures } from '../failure-answers.ts';
import { jsonBodyGuard } from '../request-guards.ts';
import type { RouteDeps } from '../route-deps.ts';
import { checkedRoutes, json, jsonBody, jsonOrStream } from '../route-parts.ts';
import { streamTurn } from '../sse.ts';
import { isOwnId, mayReadTurn } from '../turn-access.ts';
import { bearer } from '../who-speaks.ts';
import {
  acceptText,
  type ClientFormDeps,
  clientId,
  clientSpeaker,
  createRunningTurns,
  plainRefusal,
  untold,
} from './client-form.ts';
import type { Dialect } from './dialect.ts';

/**
 * flowise-embed (https://www.npmjs.com/package/flowise-embed), whose `apiHost` is this service; its `chatflowid` may be
 * anything. `POST /api/v1/prediction/{id}` with `{question, chatId}` is answered with `{text}`, or by server-sent
 * `data: {"event", "data"}` where it asks for a stream. Lead capture, uploads and speech are off in what the
 * configuration says.
 */

const flow = z.object({ id: z.string().openapi({ param: { name: 'id', in: 'path' } }) });
const anything = json('What the window asks for', z.record(z.string(), z.unknown()));

const isStreaming = createRoute({
  method: 'get',
  path: '/api/v1/chatflows-streaming/{id}',
  summary: 'flowise-embed: whether answers are streamed',
  request: { params: flow },
  responses: { 200: json('They are', z.object({ isStreaming: z.literal(true) })) },
});

const publicConfig = createRoute({
  method: 'get',
  path: '/api/v1/public-chatbotConfig/{id}',
  summary: 'flowise-embed: what the window can do',
  request: { params: flow },
  responses: { 200: anything },
});

const prediction = createRoute({
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

const abort = createRoute({
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
const RATINGS = { THUMBS_UP: 'up', THUMBS_DOWN: 'down' } as const;

const rate = createRoute({
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

const remark = createRoute({
  method: 'put',
  path: '/api/v1/feedback/{id}',
  summary: 'flowise-embed: add a comment to a rating',
  request: { params: flow, body: jsonBody(z.looseObject({ content: comment })) },
  responses: { 200: anything, ...failures('body', 'session', 'origin', 'limits', 'not_found') },
});

const data = (event: string, value: unknown): string => `data: ${JSON.stringify({ event, data: value })}\n\n`;

const toDocuments = (sources: readonly Source[] = []) =>
  sources.map(({ title, url, place }) => ({
    pageContent: title,
    metadata: { source: url ?? title, title, ...(place === undefined ? {} : { place }) },
  }));

/** @param chatId What the client calls the conversation. */
const eventText =
  (chatId: string) =>
  ({ n, event }: NumberedEvent): string => {
    switch (event.type) {
      case 'accepted':
        return data('start', '');
      case 'delta':
        return data('token', event.text);
      case 'error':
        return data('error', event.error.message);
      case 'done': {
        const { exchange } = event;
        const documents = toDocuments(exchange.sources);
        const text = untold(n, exchange);
        return (
          (text === '' ? '' : data('token', text)) +
          (documents.length > 0 ? data('sourceDocuments', documents) : '') +
          data('metadata', {
            chatId,
            chatMessageId: exchange.id,
            question: exchange.user,
            sessionId: chatId,
          }) +
          data('end', '[DONE]')
        );
      }
    }
  };

const wantsEvents = (c: Context<AppEnv>): boolean =>
  /\btext\/event-stream\b/i.test(c.req.header('accept') ?? '');

/**
 * Its window shows the text of a refused stream for three statuses, and nothing at all for others; so those are a
 * stream with an error in it, with status 200. An answer that is no stream is shown by its `error`.
 */
const failureAnswer = (c: Context<AppEnv>, error: AppError): Response => {
  if (!wantsEvents(c)) return c.json({ error: error.message, code: error.code }, error.status);
  if ([401, 403, 429].includes(error.status)) return plainRefusal(c, error);
  return c.body(data('error', error.message), 200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
};

/** The routes that flowise-embed calls. */
export const flowise = (
  deps: ClientFormDeps & Pick<RouteDeps, 'about' | 'transcript' | 'feedback'>,
): Dialect => {
  const routes = checkedRoutes();
  const running = createRunningTurns();

  /** An exchange that the caller may rate: by its id, which nobody guesses, and by a token where there is one. */
  const ratable = async (c: Context<AppEnv>, id: string): Promise<Exchange> => {
    const exchange = isOwnId(id) ? await deps.transcript.exchange(id) : undefined;
    if (
      !exchange ||
      !(await mayReadTurn(exchange.visitor, bearer(c.req.header('authorization')), deps.identity))
    )
      throw notFound();
    return exchange;
  };
  const keep = async ({ id, visitor }: Exchange, feedback: Feedback) => {
    if (!(await deps.feedback.setFeedback(id, visitor, feedback))) throw notFound();
    return { id };
  };

  routes.use('/api/v1/*', async function flowiseFailures(c, next) {
    c.set('failureAnswer', (error) => failureAnswer(c, error));
    await next();
  });
  routes.openapi(isStreaming, (c) => c.json({ isStreaming: true as const }, 200));
  routes.openapi(publicConfig, (c) => {
    const prompts = (deps.about.widget().suggestions ?? []).map((prompt, index) => [
      String(index),
      { prompt },
    ]);
    return c.json(
      {
        starterPrompts: Object.fromEntries(prompts),
        chatFeedback: { status: true },
        leads: { status: false },
        followUpPrompts: { status: false },
        fullFileUpload: { status: false },
        isTTSEnabled: false,
        uploads: {
          isSpeechToTextEnabled: false,
          isImageUploadAllowed: false,
          isRAGFileUploadAllowed: false,
          imgUploadSizeAndTypes: [],
          fileUploadSizeAndTypes: [],
        },
      },
      200,
    );
  });

  routes.post('/api/v1/prediction/:id', deps.limits.post.byAddress, jsonBodyGuard());
  routes.openapi(prediction, async (c) => {
    const { question, chatId, streaming, uploads } = c.req.valid('json');
    if (uploads && uploads.length > 0) throw filesNotTaken();
    const speaker = await clientSpeaker(c, { id: chatId }, deps.identity);
    const turn = await acceptText(c, { speaker, text: question, field: 'question' }, deps);
    running.add(turn);
    c.header('Cache-Control', 'no-store');
    const conversation = chatId ?? turn.id;
    if (streaming === true || wantsEvents(c)) {
      return streamTurn(c, turn, { ...deps.messages, form: { eventText: eventText(conversation) } });
    }
    const { id, bot, user, sources } = await turn.outcome;
    const documents = toDocuments(sources);
    const answer = {
      text: bot ?? '',
      question: user,
      chatId: conversation,
      sessionId: conversation,
      chatMessageId: id,
    };
    return c.json(documents.length > 0 ? { ...answer, sourceDocuments: documents } : answer, 200);
  });

  routes.put('/api/v1/chatmessage/abort/:id/:chatId', deps.limits.read.byAddress);
  routes.openapi(abort, async (c) => {
    const { chatId } = c.req.valid('param');
    const { visitor } = await clientSpeaker(c, { id: chatId }, deps.identity);
    const turn = running.of(visitor);
    if (turn) await deps.chat.stop(turn.id);
    return c.json({ status: 200, message: 'Chat message aborted' }, 200);
  });

  routes.on(['POST', 'PUT'], '/api/v1/feedback/:id', deps.limits.read.byAddress, jsonBodyGuard());
  routes.openapi(rate, async (c) => {
    const { messageId, rating, content } = c.req.valid('json');
    const exchange = await ratable(c, messageId);
    return c.json(
      await keep(exchange, { rating: RATINGS[rating], ...(content ? { comment: content } : {}) }),
      200,
    );
  });
  routes.openapi(remark, async (c) => {
    const exchange = await ratable(c, c.req.valid('param').id);
    const { content } = c.req.valid('json');
    const { rating = 'up' } = exchange.feedback ?? {};
    return c.json(await keep(exchange, { rating, ...(content ? { comment: content } : {}) }), 200);
  });
  return { routes };
};
