import { createRoute, z } from '@hono/zod-openapi';
import { type Store, type VisitorSummary, visitorKey } from '../chat/ports.ts';
import { forbidden, notFound } from '../errors.ts';
import { checkedRoutes, failure } from './route-parts.ts';
import { pageLimit } from './schemas.ts';
import { bearer } from './who-speaks.ts';

export interface OpsRouteDeps {
  /** Tells the ops token from others; null: the ops routes are off. */
  readonly isOpsToken: ((given: string) => boolean) | null;
  readonly visitors: Store['visitors'];
}

const sessions = createRoute({
  method: 'get',
  path: '/api/sessions',
  summary: 'The visitors, for ops',
  request: {
    query: z.object({
      after: z.string().max(200, { error: 'after must be what a page gave.' }).optional(),
      limit: pageLimit,
    }),
  },
  responses: {
    200: {
      description: 'A page of visitors',
      content: {
        'application/json': {
          schema: z
            .object({
              sessions: z.array(
                z.object({
                  kind: z.enum(['user', 'verified', 'anonymous']),
                  user_id: z.string().optional(),
                  session_id: z.string().optional(),
                  messages: z.number(),
                  last_seen: z.number().openapi({ description: 'Seconds since 1970.' }),
                }),
              ),
              after: z.string().optional().openapi({ description: 'Where the next page begins.' }),
            })
            .openapi('Sessions'),
        },
      },
    },
    400: failure('invalid_request'),
    403: failure('forbidden'),
    404: failure('not_found'),
  },
});

const answerOf = ({ visitor: { kind, id }, messages, lastSeen }: VisitorSummary) => ({
  kind,
  ...(kind === 'anonymous' ? { session_id: id } : { user_id: id }),
  messages,
  last_seen: lastSeen,
});

/** GET /api/sessions: who was here, for whoever has the ops token. */
export const opsRoutes = ({ isOpsToken, visitors }: OpsRouteDeps) => {
  const routes = checkedRoutes();
  // Before the query is looked at: nobody else learns what the route takes.
  routes.get('/api/sessions', async function opsOnly(c, next) {
    if (!isOpsToken) throw notFound();
    if (!isOpsToken(bearer(c.req.header('authorization')) ?? '')) throw forbidden();
    await next();
  });
  return routes.openapi(sessions, async (c) => {
    const { after, limit } = c.req.valid('query');
    const found = await visitors({ limit: limit + 1, ...(after === undefined ? {} : { after }) });
    const page = found.slice(0, limit);
    const last = found.length > limit ? page.at(-1) : undefined;
    c.header('Cache-Control', 'no-store');
    return c.json(
      { sessions: page.map(answerOf), ...(last ? { after: visitorKey(last.visitor) } : {}) },
      200,
    );
  });
};
