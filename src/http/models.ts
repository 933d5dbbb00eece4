import { createRoute, z } from '@hono/zod-openapi';
import type { RouteDeps } from './route-deps.ts';
import { checkedRoutes, json } from './route-parts.ts';

const models = createRoute({
  method: 'get',
  path: '/api/models',
  summary: 'Who answers: what a bubble may show',
  responses: {
    200: json(
      'The assistant',
      z
        .object({ models: z.array(z.object({ name: z.string(), model: z.string().nullable() })) })
        .openapi('Models'),
    ),
  },
});

/** GET /api/models: the assistant's name and model. */
export const modelRoutes = ({ about }: Pick<RouteDeps, 'about'>) =>
  checkedRoutes().openapi(models, (c) => {
    const { name = 'Assistant', model = null } = about.assistant();
    return c.json({ models: [{ name, model }] }, 200);
  });
