import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Handler } from 'hono';
import type { AppEnv } from './context.ts';
import type { RouteDeps } from './route-deps.ts';

/** GET /openapi.json: the routes of an app, described by their own schemas. Made once, since it takes milliseconds. */
export const openApiDocument = (
  app: OpenAPIHono<AppEnv>,
  { version }: Pick<RouteDeps['about'], 'version'>,
): Handler<AppEnv> => {
  let text: string | undefined;
  return (c) => {
    text ??= JSON.stringify(
      app.getOpenAPI31Document({
        openapi: '3.1.0',
        info: {
          title: 'thread-proxy',
          version,
          description: 'One message in, one answer out, one exchange logged.',
        },
      }),
    );
    return c.body(text, 200, { 'Content-Type': 'application/json' });
  };
};
