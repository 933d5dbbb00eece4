import { randomUUID } from 'node:crypto';
import { OpenAPIHono } from '@hono/zod-openapi';
import { methodNotAllowed } from 'hono/method-not-allowed';
import type { Clock, Logger } from './chat/ports.ts';
import { accessLog } from './http/access-log.ts';
import { type ChatRouteDeps, chatRoutes } from './http/chat.ts';
import type { AppEnv } from './http/context.ts';
import { onError, onMethodNotAllowed, onNotFound } from './http/failures.ts';
import {
  type AllowedOrigins,
  addressLimit,
  corsHeaders,
  forwardedWarning,
  jsonBodyGate,
  originGate,
  type Rate,
} from './http/gates.ts';
import { healthRoutes, type Readiness } from './http/health.ts';
import { secureHeaders } from './http/secure-headers.ts';
import { turnRoutes } from './http/turns.ts';

export interface AppDeps extends ChatRouteDeps {
  readonly readiness: () => Readiness;
  readonly allowedOrigins: AllowedOrigins;
  readonly rate: Rate | null;
  readonly trustProxy: number;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly version: string;
}

/** Puts the routes together with what every request passes. Listens to nothing. */
export const createApp = (deps: AppDeps): OpenAPIHono<AppEnv> => {
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
  app.use('/api/*', forwardedWarning(deps));
  app.use('/api/*', corsHeaders(deps.allowedOrigins));
  app.use('/api/*', originGate(deps.allowedOrigins));
  app.use(methodNotAllowed({ app, onMethodNotAllowed }));
  app.post('/api/chat', addressLimit(deps), jsonBodyGate());
  // A bucket of its own: reading an answer on, or stopping it, takes nothing from the messages.
  const reading = addressLimit(deps);
  app.get('/api/chat/:id/events', reading);
  app.delete('/api/chat/:id', reading);

  app.route('/', chatRoutes(deps));
  app.route('/', turnRoutes(deps));
  app.route('/', healthRoutes(deps.readiness));
  app.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'thread-proxy',
      version: deps.version,
      description: 'One message in, one answer out, one exchange logged.',
    },
  });
  return app;
};
