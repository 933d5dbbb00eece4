import { createRoute, z } from '@hono/zod-openapi';
import type { Visitor } from '../chat/model.ts';
import { CONTENT_TYPES, exportAs, FORMATS } from '../ops/export-forms.ts';
import { exportStream } from '../ops/export-stream.ts';
import { filterOf, readQuery } from '../ops/pages/query.ts';
import { readStats } from '../ops/stats.ts';
import { failures } from './failure-answers.ts';
import { type OpsDoor, opsOnly } from './ops.ts';
import type { RouteDeps } from './route-deps.ts';
import { checkedRoutes } from './route-parts.ts';
import { isCleanText } from './schemas.ts';

const MAX_HOURS = 24 * 366;
const wrongHours = `hours must be a whole number, 1 to ${MAX_HOURS}.`;
const times = z.object({ average: z.number(), p50: z.number(), p95: z.number() }).nullable();

const stats = createRoute({
  method: 'get',
  path: '/api/ops/stats',
  summary: 'Figures of the last hours, for operators',
  request: {
    query: z.object({
      hours: z.coerce
        .number({ error: wrongHours })
        .int({ error: wrongHours })
        .min(1, { error: wrongHours })
        .max(MAX_HOURS, { error: wrongHours })
        .default(24),
    }),
  },
  responses: {
    200: {
      description: 'The figures',
      content: {
        'application/json': {
          schema: z
            .object({
              since: z.number(),
              until: z.number(),
              requests: z.number(),
              visitors: z.number(),
              answered: z.number(),
              failed: z.number(),
              flagged: z.number(),
              unanswered: z.number(),
              response_time_ms: times,
              first_word_ms: times,
              tokens: z.object({ input: z.number(), output: z.number() }),
              cost: z.number().nullable(),
              feedback: z.object({ up: z.number(), down: z.number() }),
              refused: z.record(z.string(), z.number()),
              failures: z.array(z.object({ code: z.string(), count: z.number() })).readonly(),
            })
            .openapi('Stats'),
        },
      },
    },
    ...failures('invalid_request', 'forbidden', 'not_found', 'limits', 'log'),
  },
});

const exported = createRoute({
  method: 'get',
  path: '/api/ops/export',
  summary: 'Exchanges as CSV, JSON Lines or JSON, for operators',
  description:
    'Takes the filters of the conversations page: q, who, range, from, to, show, code, identity, backend.',
  request: {
    query: z.looseObject({
      format: z.enum(FORMATS, { error: 'format must be csv, jsonl or json.' }).default('json'),
    }),
  },
  responses: {
    200: {
      description: 'The exchanges',
      content: { 'application/octet-stream': { schema: { type: 'string' as const } } },
    },
    ...failures('invalid_request', 'forbidden', 'not_found', 'limits', 'log'),
  },
});

const erase = createRoute({
  method: 'delete',
  path: '/api/ops/visitors/{kind}/{id}',
  summary: 'Erase a visitor, here and at the provider',
  request: {
    params: z.object({
      kind: z.enum(['user', 'verified', 'anonymous'], { error: 'kind must be user, verified or anonymous.' }),
      id: z
        .string()
        .min(1)
        .max(256)
        .refine(isCleanText, { error: 'id must not hold NUL characters or broken surrogates.' }),
    }),
  },
  responses: {
    200: {
      description: 'It is erased; `thread` tells of the thread at the provider',
      content: {
        'application/json': {
          schema: z
            .object({ erased: z.number(), thread: z.enum(['none', 'deleted', 'pending']) })
            .openapi('Erased'),
        },
      },
    },
    ...failures('invalid_request', 'forbidden', 'not_found', 'limits', 'thread_busy', 'shutting_down', 'log'),
  },
});

/** What operators read and do by programs: with the ops token as Bearer. */
export const opsApiRoutes = (deps: OpsDoor & Pick<RouteDeps, 'clock'>) => {
  const { clock } = deps;
  const { tools } = deps.ops;
  const only = opsOnly(deps);
  const routes = checkedRoutes();
  routes.get('/api/ops/stats', only);
  routes.get('/api/ops/export', only);
  routes.delete('/api/ops/visitors/:kind/:id', only);
  routes.get('/metrics', async (c, next) => (tools.metricsArePublic ? next() : only(c, next)));
  routes.get('/metrics', async (c) => {
    c.header('Cache-Control', 'no-store');
    return c.body(await tools.metrics.text(), 200, { 'Content-Type': tools.metrics.contentType });
  });
  return routes
    .openapi(stats, async (c) => {
      c.header('Cache-Control', 'no-store');
      const { hours } = c.req.valid('query');
      return c.json(await readStats(tools.store, { hours, now: clock.now(), prices: tools.prices }), 200);
    })
    .openapi(exported, async (c) => {
      const { format } = c.req.valid('query');
      const now = clock.now();
      const filter = filterOf(readQuery(new URL(c.req.url).searchParams), tools.calendar, now);
      await tools.store.audit({ at: now / 1000, by: 'api', action: 'export', count: 1 });
      const pieces = exportAs(format, filter, { reads: tools.store, logEntry: tools.logEntry, now });
      return c.body(exportStream(pieces), 200, {
        'Content-Type': CONTENT_TYPES[format],
        'Cache-Control': 'no-store',
      });
    })
    .openapi(erase, async (c) => {
      const visitor: Visitor = c.req.valid('param');
      const { exchanges, thread } = await tools.eraser.erase(visitor, 'api');
      return c.json({ erased: exchanges, thread }, 200);
    });
};
