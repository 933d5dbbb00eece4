import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import {
  AppError,
  asAppError,
  invalidRequest,
  originNotAllowed,
  rateLimited,
  sessionRequired,
  shuttingDown,
} from '../../errors.ts';
import type { Session } from '../../identity/session-tokens.ts';
import { addressOf, isOriginAllowed } from '../edge.ts';
import { preferred } from '../messages/languages.ts';
import type { RouteDeps } from '../route-deps.ts';
import { CLOSE, closeCodeOf } from './close-codes.ts';
import { type Connection, type ConnectionDeps, createConnection } from './connection.ts';
import { createConnectionLimit } from './connection-limit.ts';
import { chooseSubprotocol, type Handshake, readHandshake } from './handshake.ts';
import type { SocketProtocol } from './protocol.ts';

/** Sockets of one client address at the same time. */
const MAX_PER_ADDRESS = 20;
/** Seconds after which an address that has as many may try again. */
const SLOT_RETRY_S = 30;

const OPTIONS = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: 64 * 1024,
  // What a client may split its 64 KiB into: each piece costs more than its bytes.
  maxFragments: 64,
  maxBufferedChunks: 1_024,
  handleProtocols: chooseSubprotocol,
  // How long a peer has to answer a close: a stop waits for it.
  closeTimeout: 2_000,
};

export interface SocketDeps extends ConnectionDeps, Pick<RouteDeps, 'edge'> {
  /** The wire form of each path. */
  readonly protocols: Readonly<Record<string, SocketProtocol>>;
  /** Told of each socket. @param seconds How long its handshake took. */
  readonly onOpened: (path: string, seconds: number) => void;
}

/** All WebSockets of the service. */
export interface Sockets {
  /** Whether the request becomes a socket. What does not goes to the routes like any request, and is answered there. */
  accepts(request: IncomingMessage): boolean;
  /** Makes a socket of a request that was accepted: for the server's `upgrade` event. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Why a request to the path of a socket becomes none. */
  refusal(request: IncomingMessage): AppError;
  /** How many are open. */
  count(): number;
  /** Takes no more sockets and frames; closes each when its turns in flight are told. */
  drain(): void;
  /** Closes all. Resolves within seconds, whatever the peers do. */
  close(): Promise<void>;
}

/**
 * Grants and serves WebSockets.
 *
 * It stands beside Hono's routes: the adapter's own upgrade takes every request with an `Upgrade` header from them,
 * leaves those for other protocols unanswered, and can refuse only without a body.
 */
export const createSockets = (deps: SocketDeps): Sockets => {
  const { clock, logger, edge } = deps;
  const { tokens } = deps.identity;
  const server = new WebSocketServer(OPTIONS);
  const slots = createConnectionLimit({ perAddress: MAX_PER_ADDRESS });
  const open = new Set<WebSocket>();
  const connections = new Set<Connection>();
  let isDraining = false;
  tokens.onEnd((tokenId) => {
    for (const connection of connections) if (connection.tokenId === tokenId) connection.endToken();
  });

  /** @throws AppError why there is to be no socket */
  const granted = (request: IncomingMessage): Handshake & { protocol: SocketProtocol } => {
    const handshake = readHandshake(request);
    const protocol =
      handshake && Object.hasOwn(deps.protocols, handshake.path) && deps.protocols[handshake.path];
    if (!protocol) throw invalidRequest('This address is for WebSockets.');
    const { origin } = request.headers;
    if (!isOriginAllowed(edge, origin)) throw originNotAllowed();
    if (isDraining) throw shuttingDown();
    if (!slots.hasRoom(addressOf(request, edge))) throw rateLimited({ retryAfter: SLOT_RETRY_S });
    return { ...handshake, protocol };
  };

  const refusal = (request: IncomingMessage): AppError | undefined => {
    try {
      granted(request);
      return undefined;
    } catch (thrown) {
      return asAppError(thrown);
    }
  };

  const sessionOf = async (token: string | undefined): Promise<Session | AppError> => {
    try {
      if (token === undefined) throw sessionRequired();
      return await tokens.verify(token);
    } catch (thrown) {
      return asAppError(thrown);
    }
  };

  /** Logs a socket when it is there and when it is gone, without query string and headers. */
  const track = (ws: WebSocket, requestId: string, path: string, began: number): void => {
    open.add(ws);
    // What goes wrong with it closes it, and with what code is logged then.
    ws.on('error', () => undefined);
    const fields = { request_id: requestId, path };
    deps.onOpened(path, (clock.now() - began) / 1000);
    logger.info({ ...fields, method: 'GET', status: 101, ms: clock.now() - began }, 'request');
    ws.once('close', (code) => {
      open.delete(ws);
      logger.info({ ...fields, code, ms: clock.now() - began }, 'socket closed');
    });
  };

  const serve = (ws: WebSocket, connection: Connection): void => {
    connections.add(connection);
    ws.once('close', () => connections.delete(connection));
    if (isDraining) connection.drain();
  };

  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const began = clock.now();
    const { token = '', path, lang, protocol } = granted(request);
    const address = addressOf(request, edge);
    socket.once('close', slots.open(address));
    // Before the handshake is answered, so that a client is told at once that it may not stay.
    const session = await sessionOf(token || undefined);
    if (socket.destroyed) return;
    const requestId = randomUUID();
    const addRequestId = (headers: string[]): void => void headers.push(`X-Request-Id: ${requestId}`);
    server.on('headers', addRequestId);
    server.handleUpgrade(request, socket, head, (ws) => {
      track(ws, requestId, path, began);
      if (session instanceof AppError) return ws.close(closeCodeOf(session), session.code);
      const peer = {
        ...{ ws, socket: request.socket, address, requestId, protocol, token, session },
        acceptLanguage: preferred(lang, request.headers['accept-language']),
      };
      serve(ws, createConnection(deps, peer));
    });
    server.off('headers', addRequestId);
  };

  return {
    accepts: (request) => refusal(request) === undefined,
    upgrade: (request, socket, head) => {
      const giveUp = (): void => void socket.destroy();
      socket.on('error', giveUp);
      upgrade(request, socket, head).catch(giveUp);
    },
    // Where there was no room a moment ago, and is now, it may try again at once.
    refusal: (request) => refusal(request) ?? rateLimited({ retryAfter: 1 }),
    count: () => open.size,
    drain: () => {
      isDraining = true;
      for (const connection of connections) connection.drain();
    },
    close: async () => {
      isDraining = true;
      const closed = [...open].map((ws) => new Promise((resolve) => ws.once('close', resolve)));
      for (const ws of open) ws.close(CLOSE.goingAway, 'shutting_down');
      await Promise.all(closed);
    },
  };
};
