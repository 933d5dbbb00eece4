import { createRoute, z } from '@hono/zod-openapi';
import type { TakeResult } from '../documents/library.ts';
import type { IndexedSource } from '../documents/model.ts';
import type { Found } from '../documents/search/search.ts';
import type { Work } from '../documents/work.ts';
import { invalidRequest, notFound, overloaded } from '../errors.ts';
import { failures } from './failure-answers.ts';
import { type OpsDoor, opsOnly } from './ops.ts';
import { jsonBodyGuard } from './request-guards.ts';
import type { RouteDeps } from './route-deps.ts';
import { checkedRoutes, json } from './route-parts.ts';
import { isCleanText } from './schemas.ts';
import { readUpload, uploadGuard } from './uploads.ts';

const OPS = ['forbidden', 'not_found', 'rate_limited', 'log_unavailable', 'internal_error'] as const;

const sourceAnswer = z
  .object({
    id: z.string(),
    kind: z.enum(['file', 'upload', 'page']),
    location: z.string(),
    title: z.string(),
    url: z.string().optional(),
    language: z.string().optional(),
    passages: z.number(),
    note: z.string().optional().openapi({ description: 'What was left out.' }),
    read_at: z.number().openapi({ description: 'Seconds since 1970.' }),
    found_by: z.string().optional().openapi({ description: 'The folder or site that it belongs to.' }),
  })
  .openapi('DocumentSource');

const counts = z.record(
  z.enum(['added', 'changed', 'unchanged', 'removed', 'skipped', 'unreadable']),
  z.number(),
);
const workAnswer = z
  .object({
    what: z.string(),
    started_at: z.number(),
    ended_at: z.number().optional(),
    counts,
    unreadable: z.array(z.object({ location: z.string(), reason: z.string() })),
    failure: z.string().optional(),
  })
  .openapi('DocumentWork');

const takenAnswer = z
  .object({
    name: z.string(),
    result: z.enum(['added', 'changed', 'unchanged', 'removed', 'skipped', 'unreadable']),
    passages: z.number().optional(),
    reason: z.string().optional().openapi({ description: 'Why it could not be read.' }),
    note: z.string().optional(),
  })
  .openapi('TakenDocument');

const foundAnswer = z
  .object({
    title: z.string(),
    headings: z.array(z.string()).readonly(),
    text: z.string(),
    url: z.string().optional(),
    place: z.string().optional(),
    score: z.number(),
    coverage: z.number().openapi({ description: "How much of the question's words it has, 0 to 1." }),
    similarity: z.number().optional().openapi({ description: 'How near it is by meaning, -1 to 1.' }),
    told: z.boolean().openapi({ description: 'Whether the assistant would be told it.' }),
  })
  .openapi('FoundPassage');

const siteRequest = z
  .object(
    {
      url: z.url({ protocol: /^https?$/, error: 'url must be an http or https address.' }),
      max_pages: z.int().min(1).max(10_000, { error: 'max_pages must be 1 to 10000.' }).optional(),
    },
    { error: 'The body must be a JSON object.' },
  )
  .openapi('SiteRequest');

const wrongId = 'id must not hold NUL characters or broken surrogates.';
const wrongQuestion = 'q must be a text of 1 to 1000 characters.';
const question = z.object({
  q: z
    .string({ error: wrongQuestion })
    .trim()
    .min(1, wrongQuestion)
    .max(1_000, wrongQuestion)
    .refine(isCleanText, wrongQuestion),
});

const list = createRoute({
  method: 'get',
  path: '/api/ops/documents',
  summary: 'What the assistant may quote',
  responses: {
    200: json(
      'The documents, and what is being read',
      z.object({ documents: z.array(sourceAnswer), work: z.array(workAnswer) }),
    ),
    ...failures(...OPS),
  },
});
const search = createRoute({
  method: 'get',
  path: '/api/ops/documents/search',
  summary: 'What would be found for a question',
  request: { query: question },
  responses: {
    200: json('The best passages, best first', z.object({ found: z.array(foundAnswer) })),
    ...failures(...OPS, 'invalid_request'),
  },
});
const upload = createRoute({
  method: 'post',
  path: '/api/ops/documents',
  summary: 'Add files, or a site',
  description:
    'Files as multipart/form-data, which are read at once; or a site as JSON, which is read in the background.',
  request: {
    body: {
      content: {
        'application/json': { schema: siteRequest },
        'multipart/form-data': { schema: z.object({ file: z.any() }) },
      },
    },
  },
  responses: {
    200: json('What became of each file', z.object({ documents: z.array(takenAnswer) })),
    202: json('The site is being read', z.object({ started: z.string() })),
    ...failures(...OPS, 'body', 'overloaded'),
  },
});
const refresh = createRoute({
  method: 'post',
  path: '/api/ops/documents/refresh',
  summary: 'Read all folders, files and sites again',
  responses: {
    202: json('They are being read', z.object({ started: z.string() })),
    ...failures(...OPS, 'overloaded'),
  },
});
const remove = createRoute({
  method: 'delete',
  path: '/api/ops/documents/{id}',
  summary: 'Remove a document',
  request: { params: z.object({ id: z.string().max(64).refine(isCleanText, wrongId) }) },
  responses: { 204: { description: 'It is removed' }, ...failures(...OPS, 'invalid_request') },
});

export const toSourceAnswer = (source: IndexedSource): z.output<typeof sourceAnswer> => {
  const { readAt, foundBy, hash: _hash, etag: _etag, ...rest } = source;
  return { ...rest, read_at: readAt, ...(foundBy === undefined ? {} : { found_by: foundBy }) };
};

const toWorkAnswer = ({ startedAt, endedAt, unreadable, ...rest }: Work): z.output<typeof workAnswer> => ({
  ...rest,
  unreadable: [...unreadable],
  started_at: startedAt,
  ...(endedAt === undefined ? {} : { ended_at: endedAt }),
});

/** What became of a file, for whoever sent it. */
export const toTakenAnswer = (result: TakeResult): z.output<typeof takenAnswer> => ({
  name: result.location,
  result: result.type,
  ...('passages' in result ? { passages: result.passages } : {}),
  ...('reason' in result ? { reason: result.reason } : {}),
  ...(result.note === undefined ? {} : { note: result.note }),
});

const toFoundAnswer = ({
  passage,
  score,
  coverage,
  similarity,
  isRelevant,
}: Found): z.output<typeof foundAnswer> => {
  const url = passage.url ?? passage.source.url;
  return {
    title: passage.source.title,
    headings: passage.headings,
    text: passage.text,
    score,
    coverage,
    told: isRelevant,
    ...(url === undefined ? {} : { url }),
    ...(passage.place === undefined ? {} : { place: passage.place }),
    ...(similarity === undefined ? {} : { similarity }),
  };
};

/** GET, POST and DELETE /api/ops/documents: what the assistant may quote, for whoever has the ops token. */
export const opsDocumentRoutes = (deps: OpsDoor & Pick<RouteDeps, 'documents'>) => {
  const { documents } = deps;
  const routes = checkedRoutes();
  routes.on(['GET', 'POST'], '/api/ops/documents', opsOnly(deps));
  routes.get('/api/ops/documents/search', opsOnly(deps));
  routes.post('/api/ops/documents/refresh', opsOnly(deps));
  routes.delete('/api/ops/documents/:id', opsOnly(deps));
  const asJson = jsonBodyGuard();
  const asForm = uploadGuard();
  routes.post('/api/ops/documents', (c, next) =>
    /^multipart\//i.test(c.req.header('content-type') ?? '') ? asForm(c, next) : asJson(c, next),
  );

  routes.openapi(list, async (c) => {
    c.header('Cache-Control', 'no-store');
    const sources = await documents.sources();
    return c.json({ documents: sources.map(toSourceAnswer), work: documents.work().map(toWorkAnswer) }, 200);
  });
  routes.openapi(search, async (c) => {
    c.header('Cache-Control', 'no-store');
    const found = await documents.ask(c.req.valid('query').q);
    return c.json({ found: found.map(toFoundAnswer) }, 200);
  });
  routes.post('/api/ops/documents', async (c, next) => {
    if (!/^multipart\//i.test(c.req.header('content-type') ?? '')) return next();
    const { files, fields } = await readUpload(c);
    const taken: z.output<typeof takenAnswer>[] = [];
    for (const file of files) {
      const title = files.length === 1 ? fields.get('title')?.trim().slice(0, 300) : undefined;
      taken.push(toTakenAnswer(await documents.upload({ ...file, title: title || undefined })));
    }
    return c.json({ documents: taken }, 200);
  });
  routes.openapi(upload, async (c) => {
    const body = siteRequest.safeParse(c.req.valid('json'));
    if (!body.success) throw invalidRequest(body.error.issues[0]?.message ?? 'The request is not valid.');
    const { url, max_pages: maxPages } = body.data;
    if (!documents.addInBackground(url, { maxPages })) throw overloaded();
    return c.json({ started: url }, 202);
  });
  routes.openapi(refresh, (c) => {
    if (!documents.refreshInBackground()) throw overloaded();
    return c.json({ started: 'refresh' }, 202);
  });
  routes.openapi(remove, async (c) => {
    const removed = await documents.removeById(c.req.valid('param').id);
    if (!removed) throw notFound();
    return c.body(null, 204);
  });
  return routes;
};
