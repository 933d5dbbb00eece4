import { createRoute, z } from '@hono/zod-openapi';
import { checkedRoutes } from './route-parts.ts';

export interface ModelRouteDeps {
  /** The assistant as it is now. */
  readonly assistant: () => { readonly name: string | undefined; readonly model: string | undefined };
}

const models = createRoute({
  method: 'get',
  path: '/api/models',
  summary: 'Who answers: what a bubble may show',
  responses: {
    200: {
      description: 'The assistant',
      content: {
        'application/json': {
          schema: z
            .object({
              models: z.array(z.object({ name: z.string(), model: z.string().nullable() })),
            })
            .openapi('Models'),
        },
      },
    },
  },
});

/** GET /api/models: the assistant's name and model. */
export const modelRoutes = ({ assistant }: ModelRouteDeps) =>
  checkedRoutes().openapi(models, (c) => {
    const { name = 'Assistant', model = null } = assistant();
    return c.json({ models: [{ name, model }] }, 200);
  });
