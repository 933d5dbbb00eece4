import { createRoute, z } from '@hono/zod-openapi';
import { notFound } from '../errors.ts';
import type { FeedbackRequest } from '../widget/protocol/chat.ts';
import { failures } from './failure-answers.ts';
import { jsonBodyGuard } from './request-guards.ts';
import type { RouteDeps } from './route-deps.ts';
import { checkedRoutes, jsonBody } from './route-parts.ts';
import { isOwnId, mayReadTurn } from './turns.ts';

const COMMENT = 'comment must be a text of at most 1000 characters.';
const RATING = 'rating must be up, down or null.';

const feedbackRequest = z
  .object(
    {
      id: z
        .string({ error: 'id must be the id of an exchange.' })
        .max(128, { error: 'id must be the id of an exchange.' }),
      rating: z
        .enum(['up', 'down'], { error: RATING })
        .nullable()
        .openapi({ description: 'null takes an earlier one back, with its comment.' }),
      comment: z
        .string({ error: COMMENT })
        .trim()
        .max(1_000, { error: COMMENT })
        .refine((text) => !text.includes('\0') && text.isWellFormed(), { error: COMMENT })
        .nullish(),
    } satisfies Record<keyof FeedbackRequest, z.ZodType>,
    { error: 'The body must be a JSON object.' },
  )
  .openapi('FeedbackRequest');

const rate = createRoute({
  method: 'post',
  path: '/api/feedback',
  summary: 'Say what the visitor thinks of an answer',
  description: 'By the same right as reading it on. The last one counts.',
  request: { body: jsonBody(feedbackRequest) },
  responses: {
    204: { description: 'It is kept' },
    ...failures('body', 'token', 'origin', 'not_found', 'limits', 'internal_error', 'log'),
  },
});

/** POST /api/feedback: thumbs up or down, by the visitor whose answer it is. */
export const feedbackRoutes = ({
  transcript,
  feedback,
  identity,
  limits,
}: Pick<RouteDeps, 'transcript' | 'feedback' | 'identity' | 'limits'>) => {
  const routes = checkedRoutes();
  routes.post('/api/feedback', limits.read.byAddress, jsonBodyGuard());
  return routes.openapi(rate, async (c) => {
    const { id, rating, comment } = c.req.valid('json');
    const exchange = isOwnId(id) ? await transcript.exchange(id) : undefined;
    const isTheirs =
      exchange && (await mayReadTurn(exchange.visitor, c.req.header('authorization'), identity));
    if (!isTheirs) throw notFound();
    const opinion = rating === null ? undefined : { rating, ...(comment ? { comment } : {}) };
    if (!(await feedback.setFeedback(id, exchange.visitor, opinion))) throw notFound();
    return c.body(null, 204);
  });
};
