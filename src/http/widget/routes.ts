import { createRoute, z } from '@hono/zod-openapi';
import { accepts } from 'hono/accepts';
import { etag } from 'hono/etag';
import { notFound } from '../../errors.ts';
import type { WidgetSettings } from '../../widget/protocol/widget-settings.ts';
import type { RouteDeps } from '../route-deps.ts';
import { checkedRoutes, json } from '../route-parts.ts';
import type { Assets } from './assets.ts';

const FIVE_MINUTES = 'public, max-age=300';
/** Names with a hash in them never mean anything else. */
const FOREVER = 'public, max-age=31536000, immutable';

/** The panel as it is now, for a button that was loaded before the service was updated. */
const LATEST_PANEL = '/widget/panel.js';
const panelIn = (assets: Assets): string =>
  [...assets.keys()].find((path) => path.startsWith('/widget/panel-')) ?? '';

const cachingOf = (path: string): string => {
  if (path === LATEST_PANEL) return 'no-cache';
  return path.startsWith('/widget/') ? FOREVER : FIVE_MINUTES;
};

const TYPES: Record<string, string> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  ts: 'text/plain; charset=utf-8',
};

const settings = createRoute({
  method: 'get',
  path: '/api/widget',
  summary: 'How our own chat bubble looks, and what it says',
  responses: {
    200: json(
      "What the assistant's file says under `x-widget`",
      z
        .object({
          title: z.string().optional(),
          status: z.string().optional(),
          greeting: z.string().optional(),
          suggestions: z.array(z.string()).optional(),
          placeholder: z.string().optional(),
          accent: z.string().optional(),
          theme: z.enum(['light', 'dark', 'auto']).optional(),
          position: z.enum(['left', 'right']).optional(),
          lang: z.string().optional(),
          privacy_url: z.string().optional(),
          images: z.enum(['allow', 'off']).optional(),
          max_message_chars: z.number().int(),
        } satisfies Record<keyof WidgetSettings, z.ZodType>)
        .openapi('Widget'),
    ),
  },
});

/** GET /widget.js, its chunks, its types, and GET /api/widget. */
export const widgetRoutes = ({
  about,
  messages,
  pages,
  logger,
}: Pick<RouteDeps, 'about' | 'messages' | 'pages' | 'logger'>) => {
  const routes = checkedRoutes();

  for (const path of ['/widget.js', '/widget.d.ts', '/widget/:file']) {
    routes.use(path, etag());
    routes.get(path, async function widgetFile(c) {
      const assets = await pages.widgetAssets().catch((cause: unknown) => {
        logger.error({ err: cause }, 'the chat bubble could not be built, so that /widget.js is not served');
        throw notFound({ cause });
      });
      const asset = assets.get(c.req.path === LATEST_PANEL ? panelIn(assets) : c.req.path);
      if (!asset) throw notFound();
      const encoding = accepts(c, {
        header: 'Accept-Encoding',
        supports: ['br', 'gzip', 'identity'],
        default: 'identity',
      });
      const coding = encoding === 'br' || encoding === 'gzip' ? encoding : 'identity';
      return c.body(asset.bodies[coding], 200, {
        'Content-Type': TYPES[asset.path.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
        'Cache-Control': cachingOf(c.req.path),
        // Each coding has bytes of its own, and so a tag of its own.
        ETag: `"${asset.etag}-${coding}"`,
        Vary: 'Accept-Encoding',
        ...(coding === 'identity' ? {} : { 'Content-Encoding': coding }),
        // Module scripts are asked for by CORS, whatever site the page is on; so is what an isolated page loads.
        'Access-Control-Allow-Origin': '*',
      });
    });
  }

  routes.use('/api/widget', etag());
  routes.openapi(settings, (c) => {
    c.header('Cache-Control', `${FIVE_MINUTES}, stale-while-revalidate=86400`);
    const { suggestions, ...rest } = about.widget();
    const list = suggestions === undefined ? {} : { suggestions: [...suggestions] };
    return c.json({ ...rest, ...list, max_message_chars: messages.maxChars }, 200);
  });
  return routes;
};
