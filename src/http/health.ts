import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import type { AppEnv } from './context.ts';

/** Whether chats can be served; if not, why; and what ops should know. Texts that anyone may read. */
export type Readiness =
  | { readonly ready: true; readonly notes: readonly string[] }
  | { readonly ready: false; readonly reason: string };

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
export const healthRoutes = (readiness: () => Readiness) =>
  new OpenAPIHono<AppEnv>()
    .openapi(healthz, (c) => c.json({ status: 'ok' as const }, 200))
    .openapi(readyz, (c) => {
      const now = readiness();
      c.header('Cache-Control', 'no-store');
      return now.ready
        ? c.json({ status: 'ok' as const, ...(now.notes.length > 0 ? { notes: [...now.notes] } : {}) }, 200)
        : c.json({ status: 'unavailable' as const, reason: now.reason }, 503);
    });
