import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { forbidden } from '../../errors.ts';
import type { AppEnv } from '../context.ts';
import { failures } from '../failure-answers.ts';
import { toTakenAnswer } from '../ops-documents.ts';
import type { RouteDeps } from '../route-deps.ts';
import { checkedRoutes, json } from '../route-parts.ts';
import { readUpload, uploadGuard } from '../uploads.ts';
import { bearer } from '../who-speaks.ts';

const makeEmbedding = (path: string) =>
  createRoute({
    method: 'post',
    path,
    summary: 'Add documents that the assistant may quote',
    description: 'Files as multipart/form-data, whatever the field is called. With a site key.',
    request: {
      headers: z.object({ 'x-api-key': z.string().optional().openapi({ description: 'A site key.' }) }),
      body: { content: { 'multipart/form-data': { schema: z.object({ file: z.any() }) } } },
    },
    responses: {
      200: json(
        'What became of each file',
        z.object({
          message: z.string(),
          documents: z.array(
            z.object({
              name: z.string(),
              result: z.string(),
              passages: z.number().optional(),
              reason: z.string().optional(),
            }),
          ),
        }),
      ),
      ...failures(
        'invalid_request',
        'body_too_large',
        'unsupported_media_type',
        'forbidden',
        'origin',
        'limits',
        'log_unavailable',
      ),
    },
  });

/** POST /make_embedding of the token chat, with and without `/api` in front: for whoever has a site key. */
export const makeEmbeddingRoutes = ({
  identity,
  limits,
  documents,
}: Pick<RouteDeps, 'identity' | 'limits' | 'documents'>) => {
  const isAllowed = (c: Context<AppEnv>): boolean =>
    identity.isSiteKey(c.req.header('x-api-key') ?? bearer(c.req.header('authorization')) ?? '');
  const routes = checkedRoutes();
  for (const path of ['/make_embedding', '/api/make_embedding']) {
    routes.post(
      path,
      // Whoever has no key is counted; whoever has one may send as much as there is.
      (c, next) => (isAllowed(c) ? next() : limits.post.byAddress(c, next)),
      async function siteKeyOnly(c, next) {
        if (!isAllowed(c)) throw forbidden();
        await next();
      },
      uploadGuard(),
    );
    routes.post(path, async (c) => {
      const { files } = await readUpload(c);
      const taken = [];
      for (const file of files) taken.push(toTakenAnswer(await documents.upload(file)));
      const read = taken.filter(({ result }) => result !== 'unreadable').length;
      return c.json({ message: `${read} of ${taken.length} documents were read.`, documents: taken }, 200);
    });
    routes.openAPIRegistry.registerPath(makeEmbedding(path));
  }
  return routes;
};
