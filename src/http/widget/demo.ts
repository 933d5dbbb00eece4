import { Hono } from 'hono';
import { notFound } from '../../errors.ts';
import type { AppEnv } from '../context.ts';
import type { RouteDeps } from '../route-deps.ts';
import { demoPage } from './demo-page.ts';

/** What a careful site sends: the bubble needs nothing more than its own server's scripts and calls. */
const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
  "require-trusted-types-for 'script'",
].join('; ');

/** GET /: the demo page. What comes with `?username=` is a call of the SSE chat, and is left to it. */
export const demoRoutes = ({ about, pages }: Pick<RouteDeps, 'about' | 'pages'>) => {
  const routes = new Hono<AppEnv>();
  if (!pages.isDemoOn) return routes;
  routes.get('/', async function demo(c, next) {
    if (c.req.query('username') !== undefined) return next();
    const assets = await pages.widgetAssets().catch((cause: unknown) => {
      throw notFound({ cause });
    });
    const fileOf = (ending: string): string =>
      [...assets.keys()].find((path) => path.startsWith('/widget/demo-') && path.endsWith(ending)) ?? '';
    const { title, greeting, suggestions, accent } = about.widget();
    c.header('Content-Security-Policy', CSP);
    c.header('Cache-Control', 'no-cache');
    return c.html(
      demoPage({
        origin: pages.publicOrigin ?? new URL(c.req.url).origin,
        styles: fileOf('.css'),
        script: fileOf('.js'),
        isOffline: about.isOffline,
        hasOwnColour: accent !== undefined,
        hasOwnWords: [title, greeting, suggestions].some((one) => one !== undefined),
      }),
    );
  });
  return routes;
};
