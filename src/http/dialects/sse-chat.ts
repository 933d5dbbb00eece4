import { createRoute, z } from '@hono/zod-openapi';
import type { NumberedEvent } from '../../chat/live-turns.ts';
import type { Exchange } from '../../chat/model.ts';
import { notFound } from '../../errors.ts';
import { acceptMessage } from '../accept-message.ts';
import { failures } from '../failure-answers.ts';
import { errorBody, type Told } from '../failures.ts';
import { opsOnly, visitorsAnswer, visitorsPage, visitorsQuery } from '../ops.ts';
import { jsonBodyGuard, noSubresources } from '../request-guards.ts';
import type { RouteDeps } from '../route-deps.ts';
import { checkedRoutes, EVENTS, json, jsonBody } from '../route-parts.ts';
import { chatHeaders, messageText, visitorName } from '../schemas.ts';
import { streamTurn } from '../stream-answer.ts';
import { readPage } from '../transcript-page.ts';
import { sessionSpeaker } from '../who-speaks.ts';
import type { Dialect } from './dialect.ts';

/**
 * The SSE chat: `GET /?username=` begins a session, `PUT /chat/{session_id}` sends `{payload}` and reads the answer
 * as it comes, `GET /chat_history/{session_id}` gives the dialogue. Its `session_id` is our session token: some 330
 * characters, which fit a path anywhere. A shorter name for it would open the same, so it would be no safer there.
 */

/** Exchanges that a dialogue tells at most, the newest; fewer where they are long: an answer is bounded. */
const DIALOGUE_MAX = 500;

const username = visitorName('username');
const params = z.object({
  session_id: z.string().openapi({ param: { name: 'session_id', in: 'path' }, description: 'The session.' }),
});

const begin = createRoute({
  method: 'get',
  path: '/',
  summary: 'Begin a session under a name',
  request: { query: z.object({ username }) },
  responses: {
    200: json('The session', z.object({ session_id: z.string(), username: z.string() })),
    // `not_found`: without a username.
    ...failures('invalid_request', 'origin', 'not_found', 'limits'),
  },
});

const putChat = (maxChars: number) =>
  createRoute({
    method: 'put',
    path: '/chat/{session_id}',
    summary: 'Send a prompt and read the answer as it comes',
    description:
      'Server-sent events without a name are the text, piece by piece. Then `done` without data, or `error` with the JSON error.',
    request: {
      params,
      headers: chatHeaders,
      body: jsonBody(
        z
          .object({ payload: messageText(maxChars, 'payload') }, { error: 'The body must be a JSON object.' })
          .openapi('PayloadRequest'),
      ),
    },
    responses: {
      200: EVENTS,
      ...failures('body', 'token', 'origin', 'limits', 'message'),
    },
  });

const dialogue = createRoute({
  method: 'get',
  path: '/chat_history/{session_id}',
  summary: "A session's dialogue, oldest first",
  request: { params },
  responses: {
    200: json(
      'The dialogue',
      z.object({
        chat_history: z.array(
          z.object({
            role: z.enum(['user', 'assistant']),
            content: z.string(),
            timestamp: z.number().openapi({ description: 'When the prompt came: seconds since 1970.' }),
          }),
        ),
      }),
    ),
    ...failures('token', 'origin', 'limits', 'log'),
  },
});

const sessions = createRoute({
  method: 'get',
  path: '/sessions',
  summary: 'The sessions of a name, for ops',
  request: { query: visitorsQuery.extend({ username }) },
  responses: {
    200: json('A page of sessions', visitorsAnswer),
    // `not_found`: ops is off.
    ...failures('invalid_request', 'forbidden', 'origin', 'not_found', 'limits'),
  },
});

/** What was said, in the words of chat models. A turn that failed has no answer. */
const toDialogue = ({ user, bot, timestamp }: Exchange) => [
  { role: 'user' as const, content: user, timestamp },
  ...(bot === null ? [] : [{ role: 'assistant' as const, content: bot, timestamp }]),
];

/** An event as these clients read it: text is text, in as many `data` lines as it has. */
const eventText = ({ n, event }: NumberedEvent, id: string, told: Told): string => {
  const head = `id: ${id}:${n}\n`;
  switch (event.type) {
    case 'accepted':
      // Nobody reads it as text, and the reader knows at once that it is welcome.
      return `: ${id}\n\n`;
    case 'delta':
      return `${head}${event.text
        .split(/\r\n|\r|\n/)
        .map((line) => `data: ${line}\n`)
        .join('')}\n`;
    case 'done':
      // Without text: a reader that takes no notice of names must not find any in it.
      return `event: done\n${head}data:\n\n`;
    case 'error':
      return `event: error\n${head}data: ${JSON.stringify(errorBody(event.error, told))}\n\n`;
  }
};

/** GET /?username=, PUT /chat/{session_id}, GET /chat_history/{session_id}, GET /sessions?username=. */
export const sseChat = (
  deps: Pick<RouteDeps, 'chat' | 'edge' | 'identity' | 'limits' | 'messages' | 'ops' | 'transcript'>,
): Dialect => {
  const { identity, limits, messages, transcript } = deps;
  const routes = checkedRoutes();

  routes.get(
    '/',
    async function onlyWithUsername(c, next) {
      if (c.req.query('username') === undefined) throw notFound();
      await next();
    },
    noSubresources(),
    limits.post.byAddress,
  );
  routes.openapi(begin, async (c) => {
    const { username: name } = c.req.valid('query');
    const { token } = await identity.tokens.issue({ name });
    c.header('Cache-Control', 'no-store');
    return c.json({ session_id: token, username: name }, 200);
  });

  routes.put('/chat/:session_id', limits.post.byAddress, jsonBodyGuard());
  routes.openapi(putChat(messages.maxChars), async (c) => {
    const { session_id: token } = c.req.valid('param');
    const speaker = await sessionSpeaker(token, c.req.header('authorization'), identity);
    const said = {
      speaker,
      text: c.req.valid('json').payload,
      key: c.req.valid('header')['idempotency-key'],
    };
    const turn = await acceptMessage(c, said, deps);
    return streamTurn(c, turn, { heartbeatMs: messages.heartbeatMs, form: { eventText } });
  });

  routes.get('/chat_history/:session_id', limits.read.byAddress);
  routes.openapi(dialogue, async (c) => {
    const { session_id: token } = c.req.valid('param');
    const { visitor, bySiteKey } = await sessionSpeaker(token, c.req.header('authorization'), identity);
    if (bySiteKey) await limits.read.byVisitor(c, visitor);
    const { newestFirst } = await readPage(transcript, visitor, { limit: DIALOGUE_MAX });
    c.header('Cache-Control', 'no-store');
    return c.json({ chat_history: newestFirst.toReversed().flatMap(toDialogue) }, 200);
  });

  routes.get('/sessions', opsOnly(deps));
  routes.openapi(sessions, async (c) => {
    const { username: name, ...page } = c.req.valid('query');
    c.header('Cache-Control', 'no-store');
    return c.json(await visitorsPage({ ...page, name }, deps), 200);
  });

  return { routes };
};
