import { createServer as createNodeServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { App } from './app.ts';
import { cleanPath } from './clean-path.ts';
import { watchConnections } from './connections.ts';
import type { Edge } from './edge.ts';
import { onUnreadable } from './failures.ts';
import { hasGoodHost, refuseBytes, refuseExpectation, refuseHost } from './refusals.ts';

/** Longest time for a request to arrive whole: a visitor's message is small. */
const REQUEST_TIMEOUT_MS = 30_000;
/** How often requests that take too long are looked for. */
const TIMEOUT_CHECK_MS = 2_000;
/** Longer than the proxies in front keep a connection, so that they never use one that we just closed. */
const KEEP_ALIVE_MS = 75_000;

/**
 * Makes the server of an app, and bounds what its connections may take. Listens to nothing.
 * @param options.checkMs See {@link watchConnections}.
 */
export const createServer = (
  { fetch, sockets }: App,
  {
    edge,
    checkMs,
    requestTimeoutMs = REQUEST_TIMEOUT_MS,
  }: {
    readonly edge: Edge;
    readonly checkMs: number;
    readonly requestTimeoutMs?: number | undefined;
  },
): Server => {
  const server = createNodeServer({
    shouldUpgradeCallback: sockets.accepts,
    requestTimeout: requestTimeoutMs,
    headersTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_MS, requestTimeoutMs),
    keepAliveTimeout: KEEP_ALIVE_MS,
    // We look ourselves, so that the refusal has our form.
    requireHostHeader: false,
  });
  const connections = watchConnections(server, { ...edge, checkMs });
  const serve = getRequestListener(fetch, { errorHandler: onUnreadable, hostname: 'localhost' });
  server.on('request', (request, response) => {
    connections.admit(request, response, () => {
      request.url = cleanPath(request.url ?? '/');
      if (hasGoodHost(request)) void serve(request, response);
      else refuseHost(response);
    });
  });
  server.on('checkExpectation', refuseExpectation);
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // An answer to an earlier request of the connection comes first.
    if (socket.writable && error.code !== 'ECONNRESET') {
      connections.whenIdle(socket, () => refuseBytes(socket, error.code));
    } else socket.destroy();
  });
  server.on('upgrade', sockets.upgrade);
  return server;
};
