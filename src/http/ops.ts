import { createRoute, z } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { type VisitorSummary, visitorKey } from '../chat/model.ts';
import { forbidden, notFound } from '../errors.ts';
import type { AppEnv } from './context.ts';
import { addressOf } from './edge.ts';
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
    ...failures('invalid_request', 'forbidden', 'origin', 'not_found', 'limits'),
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

/** What it takes to tell the ops token from guesses of it. */
export type OpsDoor = Pick<RouteDeps, 'ops' | 'edge' | 'limits'> & {
  readonly identity: Pick<RouteDeps['identity'], 'isSiteKey'>;
};

/**
 * Whether a request has the ops token as Bearer; counts one that is wrong.
 * @throws AppError `rate_limited` for an address that has guessed too often
 */
export const hasOpsToken = async (
  authorization: string | undefined,
  incoming: AppEnv['Bindings']['incoming'],
  { ops: { isOpsToken }, edge, identity, limits }: OpsDoor,
): Promise<boolean> => {
  const given = bearer(authorization) ?? '';
  // A site key at the wrong door is no guess.
  if (!isOpsToken || given === '' || identity.isSiteKey(given)) return false;
  const isRight = isOpsToken(given);
  await limits.opsToken.check(addressOf(incoming, edge), isRight);
  return isRight;
};

/**
 * Lets in whoever has the ops token. Stands before the query is looked at: nobody else learns what a route takes.
 * @throws AppError `forbidden`; `rate_limited`; `not_found` where ops is off
 */
export const opsOnly = (deps: OpsDoor): MiddlewareHandler<AppEnv> =>
  async function opsOnly(c, next) {
    if (!deps.ops.isOpsToken) throw notFound();
    if (!(await hasOpsToken(c.req.header('authorization'), c.env.incoming, deps))) throw forbidden();
    await next();
  };

/** GET /api/sessions: who was here, for whoever has the ops token. */
export const opsRoutes = (deps: OpsDoor & Pick<RouteDeps, 'transcript'>) => {
  const routes = checkedRoutes();
  routes.get('/api/sessions', opsOnly(deps));
  return routes.openapi(sessions, async (c) => {
    c.header('Cache-Control', 'no-store');
    return c.json(await visitorsPage(c.req.valid('query'), deps), 200);
  });
};
