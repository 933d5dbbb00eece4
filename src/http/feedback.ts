import { createRoute } from '@hono/zod-openapi';
import { notFound } from '../errors.ts';
import { failures } from './failure-answers.ts';
import { jsonBodyGuard } from './request-guards.ts';
import type { RouteDeps } from './route-deps.ts';
import { checkedRoutes, jsonBody } from './route-parts.ts';
import { feedbackRequest } from './schemas.ts';
import { isOwnId, mayReadTurn } from './turn-access.ts';
import { bearer } from './who-speaks.ts';

const postFeedback = createRoute({
  method: 'post',
  path: '/api/feedback',
  summary: 'Say what one thinks of an answer',
  description: 'In place of what was said before. Open to whoever may read the exchange.',
  request: { body: jsonBody(feedbackRequest) },
  responses: {
    204: { description: 'It is kept' },
    // `not_found`: unknown, cleared, or another visitor's.
    ...failures('body', 'token', 'origin', 'not_found', 'limits', 'log'),
  },
});

/** POST /api/feedback: a visitor's rating of an answer. */
export const feedbackRoutes = ({
  feedback,
  identity,
  limits,
  transcript,
}: Pick<RouteDeps, 'feedback' | 'identity' | 'limits' | 'transcript'>) => {
  const routes = checkedRoutes();
  routes.post('/api/feedback', limits.read.byAddress, jsonBodyGuard());
  return routes.openapi(postFeedback, async (c) => {
    const { id, rating, comment, session_token: token } = c.req.valid('json');
    const given = bearer(c.req.header('authorization')) ?? (token || undefined);
    const exchange = isOwnId(id) ? await transcript.exchange(id) : undefined;
    if (!exchange || !(await mayReadTurn(exchange.visitor, given, identity))) throw notFound();
    if (given !== undefined && identity.isSiteKey(given)) await limits.read.byVisitor(c, exchange.visitor);
    const opinion = rating === null ? undefined : { rating, ...(comment ? { comment } : {}) };
    if (!(await feedback.setFeedback(id, exchange.visitor, opinion))) throw notFound();
    c.set('exchangeId', id);
    return c.body(null, 204);
  });
};
