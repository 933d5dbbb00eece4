import { createRoute, z } from '@hono/zod-openapi';
import { AppError, sessionRequired } from '../../errors.ts';
import { failures } from '../failure-answers.ts';
import { jsonBodyGuard } from '../request-guards.ts';
import type { RouteDeps } from '../route-deps.ts';
import { checkedRoutes, json, jsonBody } from '../route-parts.ts';
import { type Identity, provenSpeaker } from '../who-speaks.ts';
import type { ChatAddition, Dialect } from './dialect.ts';

/**
 * The session API: `POST /api/chat` with `{message, session_id?}`, answered with `response` and `session_id`, and
 * `POST /api/clear`. Its `session_id` is our session token. Its messages are those of our own `POST /api/chat`, to
 * which it adds what is different.
 */

const sessionId = z.string().max(4_096).nullish();
const SESSION_ID = 'For clients of the session API: the session token under another name.';

const chatAddition = ({ tokens }: Pick<Identity, 'tokens'>): ChatAddition => ({
  request: {
    // Whatever else stands here is the id of a session that is not ours: it is no reason to refuse the message.
    session_id: sessionId.catch(undefined).openapi({ type: 'string', description: SESSION_ID }),
  },
  answer: {
    response: z.string().optional().openapi({ description: 'The answer once more, where session_id is.' }),
    session_id: z.string().optional().openapi({ description: SESSION_ID }),
  },
  // An id that is not, or no longer, valid starts a new session: these clients know of no refusal, and keep the id
  // that the answer gives them.
  sessionToken: async ({ session_id: id }) => {
    if (typeof id !== 'string') return undefined;
    try {
      await tokens.verify(id);
      return id;
    } catch (thrown) {
      // Where the log cannot be asked, nobody is to lose a conversation.
      if (thrown instanceof AppError && thrown.status === 401) return undefined;
      throw thrown;
    }
  },
  // Where it may be one of these clients that asks: its session started with this message, or it named the session.
  answerFields: ({ answer }, { token, newToken }, sessionToken) => {
    const next = newToken ?? (token === sessionToken ? sessionToken : undefined);
    return next === undefined ? {} : { response: answer, session_id: next };
  },
});

const clearRequest = z
  .object(
    {
      session_id: z
        .string({ error: 'session_id must be a text.' })
        .max(4_096, { error: 'session_id is too long.' })
        .nullish(),
    },
    { error: 'The body must be a JSON object.' },
  )
  .openapi('ClearRequest');

const clear = createRoute({
  method: 'post',
  path: '/api/clear',
  summary: "Clear a session's history: a new conversation without memory",
  description: 'For clients of the session API; as DELETE /api/history.',
  request: { body: jsonBody(clearRequest) },
  responses: {
    200: json('It is cleared', z.object({ success: z.literal(true) })),
    ...failures('body', 'session', 'origin', 'thread_busy', 'limits', 'log', 'shutting_down'),
  },
});

/** POST /api/clear, and additions to POST /api/chat. */
export const sessionApi = ({
  chat,
  identity,
  limits,
}: Pick<RouteDeps, 'chat' | 'identity' | 'limits'>): Dialect => {
  const routes = checkedRoutes();
  routes.post('/api/clear', limits.read.byAddress, jsonBodyGuard());
  routes.openapi(clear, async (c) => {
    const claims = {
      authorization: c.req.header('authorization'),
      sessionToken: c.req.valid('json').session_id,
      userId: undefined,
    };
    const proven = await provenSpeaker(claims, identity);
    if (!proven) throw sessionRequired();
    if (proven.bySiteKey) await limits.read.byVisitor(c, proven.visitor);
    await chat.clear(proven.visitor);
    return c.json({ success: true as const }, 200);
  });
  return { routes, chat: chatAddition(identity) };
};
