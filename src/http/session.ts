import { createRoute } from '@hono/zod-openapi';
import { forbidden, sessionRequired } from '../errors.ts';
import type { Issued } from '../identity/session-tokens.ts';
import { failures } from './failure-answers.ts';
import { REFRESHED_WITH } from './history.ts';
import { optionalJsonBodyGuard } from './request-guards.ts';
import type { RouteDeps } from './route-deps.ts';
import { checkedRoutes, json } from './route-parts.ts';
import { historyAnswer, sessionAnswer, sessionRequest } from './schemas.ts';
import { pageAnswer, readPage } from './transcript-page.ts';
import { bearer, visitorIn } from './who-speaks.ts';

const begin = createRoute({
  method: 'post',
  path: '/api/session',
  summary: 'Begin a session',
  description: 'Without a site key an anonymous one; with a site key as Bearer one for the `user_id`.',
  request: { body: { required: false, content: { 'application/json': { schema: sessionRequest } } } },
  responses: {
    201: json('The session and its token', sessionAnswer),
    ...failures('body', 'forbidden', 'origin', 'limits', 'log'),
  },
});

const refresh = createRoute({
  method: 'post',
  path: '/api/session/refresh',
  summary: 'Get a new token for the session; the old one ends',
  responses: {
    200: json('The new token and the recent history', sessionAnswer.extend(historyAnswer.shape)),
    ...failures('session', 'origin', 'limits', 'log'),
  },
});

const end = createRoute({
  method: 'delete',
  path: '/api/session',
  summary: 'End the session of the token',
  responses: {
    204: { description: 'It has ended' },
    ...failures('session', 'origin', 'log'),
  },
});

const answerOf = (issued: Issued) => ({
  session_token: issued.token,
  session_id: issued.id,
  user_id: issued.userId ?? 'anonymous',
  expires_at: issued.expiresAt,
  ...(issued.name === undefined ? {} : { name: issued.name }),
});

/** POST /api/session, POST /api/session/refresh, DELETE /api/session. */
export const sessionRoutes = ({
  identity,
  limits,
  transcript,
}: Pick<RouteDeps, 'identity' | 'limits' | 'transcript'>) => {
  const { tokens, isSiteKey, verifiedUsers } = identity;
  const tokenOf = (authorization: string | undefined): string => {
    const token = bearer(authorization);
    if (token === undefined) throw sessionRequired();
    return token;
  };
  const routes = checkedRoutes();
  routes.post('/api/session', limits.post.byAddress, optionalJsonBodyGuard());
  routes.post('/api/session/refresh', limits.post.byAddress);
  return routes
    .openapi(begin, async (c) => {
      const { user_id: userId, name } = c.req.valid('json') ?? {};
      const key = bearer(c.req.header('authorization'));
      const bySiteKey = key !== undefined && isSiteKey(key);
      // A token opens no session; whoever sends one here takes it for a key.
      if (key !== undefined && !bySiteKey) throw forbidden();
      if (userId !== undefined && !bySiteKey) throw forbidden();
      if (userId !== undefined) await verifiedUsers.markVerified(userId);
      const issued = await tokens.issue({ userId, name });
      if (bySiteKey) await limits.post.byVisitor(c, visitorIn(issued));
      c.header('Cache-Control', 'no-store');
      return c.json(answerOf(issued), 201);
    })
    .openapi(refresh, async (c) => {
      const token = tokenOf(c.req.header('authorization'));
      // Read first: where it cannot be, the visitor must not lose the token for nothing.
      const visitor = visitorIn(await tokens.refreshable(token));
      const recent = await readPage(transcript, visitor, { limit: REFRESHED_WITH });
      const issued = await tokens.refresh(token);
      c.header('Cache-Control', 'no-store');
      return c.json({ ...answerOf(issued), ...pageAnswer(recent) }, 200);
    })
    .openapi(end, async (c) => {
      await tokens.end(tokenOf(c.req.header('authorization')));
      return c.body(null, 204);
    });
};
