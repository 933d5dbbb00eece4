import { createRoute, z } from '@hono/zod-openapi';
import type { Chat } from '../../chat/chat-api.ts';
import { AppError, sessionRequired } from '../../errors.ts';
import type { CallLimit } from '../limits.ts';
import { jsonBodyGate } from '../request-guards.ts';
import { checkedRoutes, failure } from '../route-parts.ts';
import type { ChatAnswer } from '../schemas.ts';
import { provenSpeaker, type Speaker, type SpeakerDeps } from '../who-speaks.ts';
import type { Dialect } from './dialect.ts';

/**
 * The session API: `POST /api/chat` with `{message, session_id?}`, answered with `response` and `session_id`, and
 * `POST /api/clear`. Its `session_id` is our session token. Its messages are those of our own `POST /api/chat`, which
 * asks here for what is different.
 */

/**
 * The session token that a message's `session_id` is. An id that is not, or no more, a good one begins a new
 * session: these clients know of no refusal, and keep the id that the answer gives them.
 */
export const sessionIdIn = async (
  body: object,
  { sessionApi, tokens }: SpeakerDeps & { readonly sessionApi: boolean },
): Promise<string | undefined> => {
  if (!sessionApi || !('session_id' in body) || typeof body.session_id !== 'string') return undefined;
  const { session_id: id } = body;
  try {
    await tokens.verify(id);
    return id;
  } catch (thrown) {
    // Where the log cannot be asked, nobody is to lose a conversation.
    if (thrown instanceof AppError && thrown.status === 401) return undefined;
    throw thrown;
  }
};

/**
 * The answer with what these clients read of it, where it may be one of them that asks: its session began with this
 * message, or it said which it is by its `session_id`.
 */
export const withSession = (
  answer: ChatAnswer,
  { token, newToken }: Speaker,
  sessionId: string | undefined,
): ChatAnswer & { response?: string; session_id?: string } => {
  const next = newToken ?? (token === sessionId ? sessionId : undefined);
  return next === undefined ? answer : { ...answer, response: answer.answer, session_id: next };
};

const clear = createRoute({
  method: 'post',
  path: '/api/clear',
  summary: "Clear a session's history: a new conversation without memory",
  description: 'For clients of the session API; as DELETE /api/history.',
  request: {
    body: {
      required: true,
      content: {
        'application/json': {
          schema: z
            .object(
              {
                session_id: z
                  .string({ error: 'session_id must be a text.' })
                  .max(4_096, { error: 'session_id is too long.' })
                  .nullish(),
              },
              { error: 'The body must be a JSON object.' },
            )
            .openapi('ClearRequest'),
        },
      },
    },
  },
  responses: {
    200: {
      description: 'It is cleared',
      content: { 'application/json': { schema: z.object({ success: z.literal(true) }) } },
    },
    400: failure('invalid_json, invalid_request'),
    401: failure('session_required, session_invalid, session_expired'),
    403: failure('origin_not_allowed'),
    409: failure('thread_busy'),
    413: failure('body_too_large'),
    415: failure('unsupported_media_type'),
    429: failure('rate_limited'),
    503: failure('log_unavailable, shutting_down'),
  },
});

export interface SessionApiDeps extends SpeakerDeps {
  readonly chat: Pick<Chat, 'clear'>;
  readonly readLimit: CallLimit;
}

/** POST /api/clear. */
export const sessionApi = (deps: SessionApiDeps): Dialect => {
  const { chat, readLimit } = deps;
  const routes = checkedRoutes();
  routes.post('/api/clear', readLimit.byAddress, jsonBodyGate());
  routes.openapi(clear, async (c) => {
    const claims = {
      authorization: c.req.header('authorization'),
      sessionToken: c.req.valid('json').session_id,
      userId: undefined,
    };
    const proven = await provenSpeaker(claims, deps);
    if (!proven) throw sessionRequired();
    if (proven.bySiteKey) await readLimit.byVisitor(c, proven.visitor);
    await chat.clear(proven.visitor);
    return c.json({ success: true as const }, 200);
  });
  return { paths: [], routes };
};
