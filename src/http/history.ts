import { createRoute } from '@hono/zod-openapi';
import type { Chat } from '../chat/chat-api.ts';
import type { Exchange } from '../chat/model.ts';
import type { Store } from '../chat/store-port.ts';
import { sessionRequired } from '../errors.ts';
import type { CallLimit } from './limits.ts';
import { checkedRoutes, failure } from './route-parts.ts';
import { type HistoryAnswer, historyAnswer, historyQuery, visitorQuery } from './schemas.ts';
import { provenSpeaker, type SpeakerDeps } from './who-speaks.ts';

export interface HistoryRouteDeps extends SpeakerDeps {
  readonly chat: Pick<Chat, 'clear'>;
  readonly readLimit: CallLimit;
  readonly transcript: Pick<Store, 'recent'>;
}

const failures = {
  400: failure('invalid_request'),
  401: failure('session_required, session_invalid, session_expired'),
  403: failure('user_mismatch, origin_not_allowed'),
  429: failure('rate_limited'),
  503: failure('log_unavailable'),
};

const read = createRoute({
  method: 'get',
  path: '/api/history',
  summary: "The visitor's exchanges, the newest page first",
  request: { query: historyQuery },
  responses: {
    200: { description: 'A page', content: { 'application/json': { schema: historyAnswer } } },
    ...failures,
  },
});

const clear = createRoute({
  method: 'delete',
  path: '/api/history',
  summary: "Clear the visitor's history: a new conversation without memory",
  request: { query: visitorQuery },
  responses: {
    204: { description: 'It is cleared' },
    409: failure('thread_busy'),
    ...failures,
  },
});

/** Exchanges that a client is given beside its token, when it comes back to its session. */
export const REFRESHED_WITH = 20;

/** @param newestFirst One more than the page holds, where there are more. */
export const exchangeAnswer = (newestFirst: readonly Exchange[], limit: number): HistoryAnswer => {
  const page = newestFirst.slice(0, limit);
  const oldest = page.at(-1);
  return {
    history: page.toReversed().map(({ id, user, bot, timestamp, error, truncated }) => ({
      id,
      user,
      bot,
      timestamp,
      ...(error === undefined ? {} : { error }),
      ...(truncated ? { truncated } : {}),
    })),
    ...(oldest && newestFirst.length > limit ? { before: oldest.id } : {}),
  };
};

/** GET /api/history and DELETE /api/history: open to whoever proves to be the visitor, and to the site. */
export const historyRoutes = (deps: HistoryRouteDeps) => {
  const visitorOf = async (c: Parameters<CallLimit['byVisitor']>[0], userId: string | undefined) => {
    const claims = { authorization: c.req.header('authorization'), userId };
    const proven = await provenSpeaker(claims, deps);
    // A `user_id` alone opens no transcript: it would be told to whoever guesses one.
    if (!proven) throw sessionRequired();
    if (proven.bySiteKey) await deps.readLimit.byVisitor(c, proven.visitor);
    return proven.visitor;
  };
  return checkedRoutes()
    .openapi(read, async (c) => {
      const { user_id: userId, before, limit } = c.req.valid('query');
      const visitor = await visitorOf(c, userId);
      const page = { limit: limit + 1, ...(before === undefined ? {} : { before }) };
      c.header('Cache-Control', 'no-store');
      return c.json(exchangeAnswer(await deps.transcript.recent(visitor, page), limit), 200);
    })
    .openapi(clear, async (c) => {
      await deps.chat.clear(await visitorOf(c, c.req.valid('query').user_id));
      return c.body(null, 204);
    });
};
