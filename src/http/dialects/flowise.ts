import type { Context } from 'hono';
import { isOwnId } from '../../chat/exchange-id.ts';
import type { Exchange, Feedback } from '../../chat/model.ts';
import { type AppError, filesNotTaken, notFound } from '../../errors.ts';
import type { AppEnv } from '../context.ts';
import { jsonBodyGuard } from '../request-guards.ts';
import type { RouteDeps } from '../route-deps.ts';
import { checkedRoutes } from '../route-parts.ts';
import { streamTurn } from '../stream-answer.ts';
import { mayReadTurn } from '../turn-access.ts';
import { bearer } from '../who-speaks.ts';
import {
  acceptText,
  type ClientFormDeps,
  clientSpeaker,
  createRunningTurns,
  plainRefusal,
} from './client-form.ts';
import type { Dialect } from './dialect.ts';
import { data, eventText, toDocuments } from './flowise-events.ts';
import { abort, isStreaming, prediction, publicConfig, RATINGS, rate, remark } from './flowise-routes.ts';

/**
 * flowise-embed (https://www.npmjs.com/package/flowise-embed), whose `apiHost` is this service; its `chatflowid` may be
 * anything. `POST /api/v1/prediction/{id}` with `{question, chatId}` is answered with `{text}`, or by server-sent
 * `data: {"event", "data"}` where it asks for a stream. Lead capture, uploads and speech are off in what the
 * configuration says.
 */

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
