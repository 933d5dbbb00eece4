import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import type { AppEnv } from './context.ts';
import type { RouteDeps } from './route-deps.ts';

const state = z
  .object({
    status: z.enum(['ok', 'unavailable']),
    reason: z.string().optional(),
    notes: z.array(z.string()).optional(),
  })
  .openapi('Health');
const answer = (description: string) => ({ description, content: { 'application/json': { schema: state } } });

const healthz = createRoute({
  method: 'get',
  path: '/healthz',
  summary: 'Whether the process lives',
  responses: { 200: answer('It does') },
});

const readyz = createRoute({
  method: 'get',
  path: '/readyz',
  summary: 'Whether chats can be served',
  responses: { 200: answer('They can'), 503: answer('They cannot; the reason says why') },
});

/** GET /healthz and GET /readyz, for load balancers and supervisors. */
export const healthRoutes = ({ about }: Pick<RouteDeps, 'about'>) =>
  new OpenAPIHono<AppEnv>()
    .openapi(healthz, (c) => c.json({ status: 'ok' as const }, 200))
    .openapi(readyz, (c) => {
      const now = about.readiness();
      c.header('Cache-Control', 'no-store');
      return now.ready
        ? c.json({ status: 'ok' as const, ...(now.notes.length > 0 ? { notes: [...now.notes] } : {}) }, 200)
        : c.json({ status: 'unavailable' as const, reason: now.reason }, 503);
    });
