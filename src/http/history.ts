import { createRoute } from '@hono/zod-openapi';
import { sessionRequired } from '../errors.ts';
import type { CallLimit } from './call-limits.ts';
import { failures } from './failure-answers.ts';
import type { RouteDeps } from './route-deps.ts';
import { checkedRoutes, json } from './route-parts.ts';
import { historyAnswer, historyQuery, visitorQuery } from './schemas.ts';
import { pageAnswer, readPage } from './transcript-page.ts';
import { provenSpeaker } from './who-speaks.ts';

const COMMON = ['invalid_request', 'session', 'user_mismatch', 'origin', 'limits', 'log'] as const;

const read = createRoute({
  method: 'get',
  path: '/api/history',
  summary: "The visitor's exchanges, the newest page first",
  request: { query: historyQuery },
  responses: {
    200: json('A page', historyAnswer),
    ...failures(...COMMON),
  },
});

const clear = createRoute({
  method: 'delete',
  path: '/api/history',
  summary: "Clear the visitor's history: a new conversation without memory",
  request: { query: visitorQuery },
  responses: {
    204: { description: 'It is cleared' },
    ...failures(...COMMON, 'thread_busy', 'shutting_down'),
  },
});

/** Exchanges that a client is given beside its token, when it comes back to its session. */
export const REFRESHED_WITH = 20;

/** GET /api/history and DELETE /api/history: open to whoever proves to be the visitor, and to the site. */
export const historyRoutes = (deps: Pick<RouteDeps, 'chat' | 'identity' | 'limits' | 'transcript'>) => {
  const visitorOf = async (c: Parameters<CallLimit['byVisitor']>[0], userId: string | undefined) => {
    const claims = { authorization: c.req.header('authorization'), userId };
    const proven = await provenSpeaker(claims, deps.identity);
    // A `user_id` alone opens no transcript: it would be told to whoever guesses one.
    if (!proven) throw sessionRequired();
    if (proven.bySiteKey) await deps.limits.read.byVisitor(c, proven.visitor);
    return proven.visitor;
  };
  const routes = checkedRoutes();
  routes.on(['GET', 'DELETE'], '/api/history', deps.limits.read.byAddress);
  return routes
    .openapi(read, async (c) => {
      const { user_id: userId, before, limit } = c.req.valid('query');
      const visitor = await visitorOf(c, userId);
      c.header('Cache-Control', 'no-store');
      return c.json(pageAnswer(await readPage(deps.transcript, visitor, { limit, before })), 200);
    })
    .openapi(clear, async (c) => {
      await deps.chat.clear(await visitorOf(c, c.req.valid('query').user_id));
      return c.body(null, 204);
    });
};
