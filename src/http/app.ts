import { randomUUID } from 'node:crypto';
import { OpenAPIHono } from '@hono/zod-openapi';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { accessLog } from './access-log.ts';
import { createCallLimit, createVisitorLimit, type LimitDeps } from './call-limits.ts';
import { chatRoutes } from './chat.ts';
import type { AppEnv } from './context.ts';
import { pathsOf } from './dialects/dialect.ts';
import { createDialects, type DialectName } from './dialects/dialects.ts';
import { onError, onMethodNotAllowed, onNotFound } from './failures.ts';
import { feedbackRoutes } from './feedback.ts';
import { healthRoutes } from './health.ts';
import { historyRoutes } from './history.ts';
import { modelRoutes } from './models.ts';
import { openApiDocument } from './openapi-document.ts';
import { opsRoutes } from './ops.ts';
import { opsApiRoutes } from './ops-api.ts';
import { opsDocumentRoutes } from './ops-documents.ts';
import { createOpsGuesses } from './ops-guesses.ts';
import { opsPageRoutes } from './ops-pages.ts';
import { corsHeaders, forwardedWarning, jsonBodyGuard, originGuard } from './request-guards.ts';
import type { RouteDeps } from './route-deps.ts';
import { secureHeaders } from './secure-headers.ts';
import { sessionRoutes } from './session.ts';
import { jsonFrames } from './socket/json-frames.ts';
import { socketRoute } from './socket/route.ts';
import { createSockets, type Sockets } from './socket/sockets.ts';
import { turnRoutes } from './turns.ts';
import { demoRoutes } from './widget/demo.ts';
import { widgetRoutes } from './widget/routes.ts';

/** What the app is made of, by concern. */
export interface AppDeps extends Omit<RouteDeps, 'limits'>, Pick<LimitDeps, 'rates'> {
  /** The older clients that are served. */
  readonly dialects: readonly DialectName[];
}

/** What a server serves. */
export interface App {
  readonly fetch: OpenAPIHono<AppEnv>['fetch'];
  readonly sockets: Sockets;
}

/** The path of our own WebSockets. */
const SOCKET_PATH = '/api/chat/ws';

/** Puts the routes together with what every request passes. Listens to nothing. */
export const createApp = (appDeps: AppDeps): App => {
  const { metrics, refusals } = appDeps.ops.tools;
  const limitDeps: LimitDeps = {
    ...appDeps,
    onLimited: (limit) => {
      metrics.limited(limit);
      metrics.refused('rate_limited');
      refusals.count('rate_limited');
    },
  };
  const limits = {
    post: createCallLimit('post', limitDeps),
    read: createCallLimit('read', limitDeps),
    visitor: createVisitorLimit(limitDeps),
    opsToken: createOpsGuesses(limitDeps),
  };
  const deps: RouteDeps = { ...appDeps, limits };
  const dialects = createDialects(appDeps.dialects, deps);
  const app = new OpenAPIHono<AppEnv>();
  app.onError(onError(deps.logger));
  app.notFound(onNotFound);

  app.use(async function requestId(c, next) {
    c.set('requestId', randomUUID());
    c.header('X-Request-Id', c.get('requestId'));
    await next();
  });
  app.use(accessLog(deps));
  app.use(secureHeaders());
  const guards = [forwardedWarning(deps), corsHeaders(deps.edge), originGuard(deps.edge)] as const;
  for (const path of ['/api/*', ...dialects.flatMap(pathsOf)]) app.use(path, ...guards);
  app.use(methodNotAllowed({ app, onMethodNotAllowed }));

  const sockets = createSockets({
    ...deps,
    protocols: Object.assign(
      { [SOCKET_PATH]: jsonFrames(deps.messages) },
      ...dialects.map((dialect) => dialect.sockets),
    ),
    onOpened: (path, seconds) => metrics.request('GET', path, 101, seconds),
  });
  app.route('/', socketRoute(SOCKET_PATH, sockets));
  // Before the dialects: some of them answer on the same path.
  app.post('/api/chat', limits.post.byAddress, jsonBodyGuard());
  // Before the SSE chat, which is at `/` as well.
  app.route('/', demoRoutes(deps));
  // Before our own routes, which answer what is not in a dialect's form.
  for (const dialect of dialects) {
    for (const path of Object.keys(dialect.sockets ?? {})) app.route('/', socketRoute(path, sockets));
    app.route('/', dialect.routes);
  }
  app.route('/', chatRoutes(deps, dialects));
  app.route('/', turnRoutes(deps));
  app.route('/', feedbackRoutes(deps));
  app.route('/', sessionRoutes(deps));
  app.route('/', historyRoutes(deps));
  app.route('/', modelRoutes(deps));
  app.route('/', widgetRoutes(deps));
  app.route('/', opsRoutes(deps));
  app.route('/', opsApiRoutes(deps));
  app.route('/', opsDocumentRoutes(deps));
  app.route('/', opsPageRoutes({ ...deps, ...limitDeps }));
  app.route('/', healthRoutes(deps));
  app.get('/openapi.json', openApiDocument(app, deps.about));
  return { fetch: app.fetch, sockets };
};
