import { createRoute, z } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { type VisitorSummary, visitorKey } from '../chat/model.ts';
import { forbidden, notFound } from '../errors.ts';
import type { AppEnv } from './context.ts';
import { failures } from './failure-answers.ts';
import type { RouteDeps } from './route-deps.ts';
import { checkedRoutes, json } from './route-parts.ts';
import { pageLimit, pageMark } from './schemas.ts';
import { bearer } from './who-speaks.ts';

/** Where a page of visitors begins. */
export const visitorsQuery = z.object({
  after: pageMark(200, 'after must be what a page gave.'),
  limit: pageLimit,
});

/** A page of visitors. */
export const visitorsAnswer = z
  .object({
    sessions: z.array(
      z.object({
        kind: z.enum(['user', 'verified', 'anonymous']),
        user_id: z.string().optional(),
        session_id: z.string().optional(),
        name: z.string().optional().openapi({ description: 'What the visitor calls itself.' }),
        messages: z.number(),
        last_seen: z.number().openapi({ description: 'Seconds since 1970.' }),
      }),
    ),
    after: z.string().optional().openapi({ description: 'Where the next page begins.' }),
  })
  .openapi('Sessions');

const sessions = createRoute({
  method: 'get',
  path: '/api/sessions',
  summary: 'The visitors, for ops',
  request: { query: visitorsQuery },
  responses: {
    200: json('A page of visitors', visitorsAnswer),
    ...failures('invalid_request', 'forbidden', 'origin', 'not_found'),
  },
});

const answerOf = ({ visitor: { kind, id }, name, messages, lastSeen }: VisitorSummary) => ({
  kind,
  ...(kind === 'anonymous' ? { session_id: id } : { user_id: id }),
  ...(name === undefined ? {} : { name }),
  messages,
  last_seen: lastSeen,
});

/** A page of visitors; with a name those who call themselves by it. */
export const visitorsPage = async (
  { limit, after, name }: { limit: number; after?: string | undefined; name?: string },
  { transcript }: Pick<RouteDeps, 'transcript'>,
): Promise<z.output<typeof visitorsAnswer>> => {
  const found = await transcript.visitors({
    limit: limit + 1,
    ...(after === undefined ? {} : { after }),
    ...(name === undefined ? {} : { name }),
  });
  const page = found.slice(0, limit);
  const last = found.length > limit ? page.at(-1) : undefined;
  return { sessions: page.map(answerOf), ...(last ? { after: visitorKey(last.visitor) } : {}) };
};

/**
 * Lets in whoever has the ops token. Stands before the query is looked at: nobody else learns what a route takes.
 * @throws AppError `forbidden`; `not_found` where ops is off
 */
export const opsOnly = ({ ops: { isOpsToken } }: Pick<RouteDeps, 'ops'>): MiddlewareHandler<AppEnv> =>
  async function opsOnly(c, next) {
    if (!isOpsToken) throw notFound();
    if (!isOpsToken(bearer(c.req.header('authorization')) ?? '')) throw forbidden();
    await next();
  };

/** GET /api/sessions: who was here, for whoever has the ops token. */
export const opsRoutes = (deps: Pick<RouteDeps, 'ops' | 'transcript'>) => {
  const routes = checkedRoutes();
  routes.get('/api/sessions', opsOnly(deps));
  return routes.openapi(sessions, async (c) => {
    c.header('Cache-Control', 'no-store');
    return c.json(await visitorsPage(c.req.valid('query'), deps), 200);
  });
};
