import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { NumberedEvent } from '../../chat/live-turns.ts';
import type { AppError } from '../../errors.ts';
import { invalidJson } from '../../errors.ts';
import type { AppEnv } from '../context.ts';
import { failures } from '../failure-answers.ts';
import { jsonBodyGuard, noSubresources } from '../request-guards.ts';
import type { RouteDeps } from '../route-deps.ts';
import { checkedRoutes, jsonBody, jsonOrStream } from '../route-parts.ts';
import { streamTurn } from '../stream-answer.ts';
import { readPage } from '../transcript-page.ts';
import { bearer } from '../who-speaks.ts';
import {
  acceptText,
  type ClientFormDeps,
  clientId,
  clientSpeaker,
  isUnguessable,
  parsed,
  refuseFiles,
  untold,
} from './client-form.ts';
import type { Dialect } from './dialect.ts';

/**
 * @n8n/chat (https://www.npmjs.com/package/@n8n/chat), whose `webhookUrl` is this path: `{action: "sendMessage",
 * sessionId, chatInput}` is answered with `{output}`, or line by line where it asks with `Accept: text/plain`;
 * `loadPreviousSession` gives what was said. Where the owner has renamed `chatInputKey` or `chatSessionKey`, the query
 * parameters `input` and `session` of the webhook's URL say how.
 */

const PATH = '/api/chat/n8n';
/** Exchanges of a previous session that are shown. */
const SHOWN = 50;

const keyNames = z.object({
  input: z.string().min(1).max(64).default('chatInput'),
  session: z.string().min(1).max(64).default('sessionId'),
});

const form = z
  .looseObject(
    { action: z.enum(['sendMessage', 'loadPreviousSession']).default('sendMessage') },
    { error: 'The body must be a JSON object.' },
  )
  .openapi('N8nChatRequest');

const answer = z.union([
  z.object({ output: z.string() }),
  z.object({
    data: z.array(z.object({ id: z.array(z.string()), kwargs: z.object({ content: z.string() }) })),
  }),
]);

const responses = {
  200: jsonOrStream('The answer, or the previous session', answer, 'text/plain'),
  ...failures('body', 'session', 'origin', 'limits', 'message', 'upstream'),
};
const post = createRoute({
  method: 'post',
  path: PATH,
  summary: '@n8n/chat: send a message, or load the previous session',
  request: { query: keyNames, body: jsonBody(form) },
  responses,
});
const get = createRoute({
  method: 'get',
  path: PATH,
  summary: '@n8n/chat with `webhookConfig.method: "GET"`',
  request: { query: keyNames.loose() },
  responses,
});

const wantsLines = (c: Context<AppEnv>): boolean => /\btext\/plain\b/i.test(c.req.header('accept') ?? '');

const line = (value: object): string => `${JSON.stringify(value)}\n`;
/** Each line names the node that speaks, as n8n's do. */
const metadata = { nodeId: 'thread-proxy', nodeName: 'thread-proxy' };
const eventText = ({ n, event }: NumberedEvent): string => {
  switch (event.type) {
    case 'accepted':
      return line({ type: 'begin', metadata });
    case 'delta':
      return line({ type: 'item', content: event.text, metadata });
    case 'done': {
      const text = untold(n, event.exchange);
      return (
        (text === '' ? '' : line({ type: 'item', content: text, metadata })) + line({ type: 'end', metadata })
      );
    }
    case 'error':
      return line({ type: 'error', content: event.error.message, metadata });
  }
};

/**
 * Its window shows `output` of any JSON answer, whatever the status; of a stream it shows error lines, and of a refused
 * one only that something failed. So a refusal of a stream is a stream, with status 200.
 */
const failureAnswer = (c: Context<AppEnv>, error: AppError): Response =>
  wantsLines(c)
    ? c.text(line({ type: 'error', content: error.message, metadata }), 200)
    : c.json({ output: error.message, code: error.code }, error.status);

/** POST and GET /api/chat/n8n. */
export const n8nChat = (deps: ClientFormDeps & Pick<RouteDeps, 'transcript'>): Dialect => {
  const routes = checkedRoutes();

  const respond = async (c: Context<AppEnv>, fields: unknown, names: z.output<typeof keyNames>) => {
    const body = parsed(form, fields);
    const id = parsed(clientId, body[names.session]);
    c.header('Cache-Control', 'no-store');
    const speaker = await clientSpeaker(c, { id }, deps.identity);
    if (body.action === 'loadPreviousSession') {
      // A name that can be guessed opens no transcript.
      const isShown = speaker.visitor.kind !== 'user' || isUnguessable(speaker.visitor.id);
      const isProven = bearer(c.req.header('authorization')) !== undefined;
      if (!isShown && !isProven) return c.json({ data: [] }, 200);
      const { newestFirst } = await readPage(deps.transcript, speaker.visitor, { limit: SHOWN });
      return c.json({ data: newestFirst.toReversed().flatMap(toMessages) }, 200);
    }
    const turn = await acceptText(c, { speaker, text: body[names.input], field: names.input }, deps);
    if (wantsLines(c)) {
      return streamTurn(c, turn, {
        ...deps.messages,
        // Its reader takes any line that is no JSON for text; an empty one it passes over.
        form: { eventText, contentType: 'text/plain; charset=utf-8', heartbeat: '\n' },
      });
    }
    return c.json({ output: (await turn.outcome).bot ?? '' }, 200);
  };

  routes.use(PATH, async function n8nFailures(c, next) {
    c.set('failureAnswer', (error) => failureAnswer(c, error));
    refuseFiles(c);
    await next();
  });
  // A GET that costs: another site's page could make a browser ask without its visitor's knowing.
  routes.get(PATH, noSubresources());
  routes.on(['GET', 'POST'], PATH, deps.limits.post.byAddress);
  routes.post(PATH, jsonBodyGuard());
  routes.openapi(post, async (c) => {
    const body: unknown = await c.req.json().catch((cause: unknown) => {
      throw invalidJson({ cause });
    });
    return respond(c, body, c.req.valid('query'));
  });
  routes.openapi(get, async (c) => {
    return respond(c, c.req.query(), c.req.valid('query'));
  });
  return { routes };
};

const toMessages = ({ user, bot }: { user: string; bot: string | null }) => [
  message('HumanMessage', user),
  ...(bot === null ? [] : [message('AIMessage', bot)]),
];
const message = (type: string, content: string) => ({
  id: ['langchain_core', 'messages', type],
  kwargs: { content },
});
