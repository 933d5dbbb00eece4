import { randomUUID } from 'node:crypto';
import { OpenAPIHono } from '@hono/zod-openapi';
import { methodNotAllowed } from 'hono/method-not-allowed';
import type { Clock, Logger } from '../chat/ports.ts';
import type { CountCall } from '../limits/shared-counts.ts';
import { accessLog } from './access-log.ts';
import { type ChatRouteDeps, chatRoutes } from './chat.ts';
import type { AppEnv } from './context.ts';
import { createDialects, type DialectDeps, type DialectName } from './dialects/dialects.ts';
import { onError, onMethodNotAllowed, onNotFound } from './failures.ts';
import { healthRoutes, type Readiness } from './health.ts';
import { type HistoryRouteDeps, historyRoutes } from './history.ts';
import { createCallLimit, type Rate } from './limits.ts';
import { type ModelRouteDeps, modelRoutes } from './models.ts';
import { type OpsRouteDeps, opsRoutes } from './ops.ts';
import {
  type AllowedOrigins,
  corsHeaders,
  forwardedWarning,
  jsonBodyGate,
  optionalJsonBodyGate,
  originGate,
} from './request-guards.ts';
import { secureHeaders } from './secure-headers.ts';
import { type SessionRouteDeps, sessionRoutes } from './session.ts';
import { jsonFrames } from './socket/json-frames.ts';
import { socketRoute } from './socket/route.ts';
import { createSockets, type Sockets } from './socket/sockets.ts';
import { turnRoutes } from './turns.ts';

type RouteDeps = ChatRouteDeps &
  SessionRouteDeps &
  HistoryRouteDeps &
  ModelRouteDeps &
  OpsRouteDeps &
  DialectDeps;

export interface AppDeps extends Omit<RouteDeps, 'postLimit' | 'readLimit' | 'sessionApi'> {
  /** The older clients that are served. */
  readonly dialects: readonly DialectName[];
  readonly readiness: () => Readiness;
  readonly allowedOrigins: AllowedOrigins;
  readonly rate: Rate | null;
  readonly trustProxy: number;
  /** Counts calls among all processes; undefined where there is but this one. */
  readonly countCall: CountCall | undefined;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly version: string;
}

/** What a server serves. */
export interface App {
  readonly fetch: OpenAPIHono<AppEnv>['fetch'];
  readonly sockets: Sockets;
}

/** The path of our own WebSockets. */
const SOCKET_PATH = '/api/chat/ws';

/** Puts the routes together with what every request passes. Listens to nothing. */
export const createApp = (deps: AppDeps): App => {
  const app = new OpenAPIHono<AppEnv>();
  app.onError(onError(deps.logger));
  app.notFound(onNotFound);

  app.use(async function requestId(c, next) {
    c.set('requestId', randomUUID());
    c.header('X-Request-Id', c.get('requestId'));
    await next();
  });
  app.use(accessLog(deps.logger, deps.clock));
  app.use(secureHeaders());
  // Reading has buckets of its own: it must not cost a visitor messages.
  const postLimit = createCallLimit({ ...deps, bucket: 'post' });
  const readLimit = createCallLimit({ ...deps, bucket: 'read' });
  const dialects = createDialects(deps.dialects, { ...deps, postLimit, readLimit });
  const gates = [
    forwardedWarning(deps),
    corsHeaders(deps.allowedOrigins),
    originGate(deps.allowedOrigins),
  ] as const;
  for (const path of new Set(['/api/*', ...dialects.flatMap(({ paths }) => paths)])) app.use(path, ...gates);
  app.use(methodNotAllowed({ app, onMethodNotAllowed }));
  app.post('/api/chat', postLimit.byAddress, jsonBodyGate());
  app.post('/api/session', postLimit.byAddress, optionalJsonBodyGate());
  app.post('/api/session/refresh', postLimit.byAddress);
  app.on(['GET', 'DELETE'], '/api/history', readLimit.byAddress);
  app.get('/api/chat/:id/events', readLimit.byAddress);
  app.delete('/api/chat/:id', readLimit.byAddress);

  const sockets = createSockets({
    ...deps,
    postLimit,
    readLimit,
    protocols: {
      [SOCKET_PATH]: jsonFrames(deps),
      ...Object.fromEntries(dialects.flatMap((one) => Object.entries(one.sockets ?? {}))),
    },
  });
  app.route('/', socketRoute(SOCKET_PATH, sockets));
  // Before our own: what is not of an older client's form is left to them.
  for (const { routes, sockets: paths = {} } of dialects) {
    for (const path of Object.keys(paths)) app.route('/', socketRoute(path, sockets));
    app.route('/', routes);
  }
  const sessionApi = deps.dialects.includes('session');
  app.route('/', chatRoutes({ ...deps, postLimit, sessionApi }));
  app.route('/', turnRoutes(deps));
  app.route('/', sessionRoutes({ ...deps, postLimit }));
  app.route('/', historyRoutes({ ...deps, readLimit }));
  app.route('/', modelRoutes(deps));
  app.route('/', opsRoutes(deps));
  app.route('/', healthRoutes(deps.readiness));
  app.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'thread-proxy',
      version: deps.version,
      description: 'One message in, one answer out, one exchange logged.',
    },
  });
  return { fetch: app.fetch, sockets };
};
