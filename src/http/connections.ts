import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { AddressMatch } from '../limits/trusted-proxies.ts';
import { keepPeer } from './edge.ts';
import { watchProgress } from './progress.ts';

/** Connections of one peer at the same time; proxies that may be believed stand for many. */
const MAX_PER_PEER = 200;
/**
 * Requests of one connection that are not answered yet: whoever sends more at once is closed after these. They are
 * served one after the other, so that what a reader leaves unread is one answer.
 */
const MAX_IN_HAND = 32;
/** The longest time between two checks, in milliseconds. */
const CHECK_MS = 10_000;
/** Checks in a row in which a reader may take nothing of what is there for it. */
const STALLED_CHECKS = 3;

interface Connection {
  inHand: number;
  /** Serve the requests in hand behind the first one. */
  readonly waiting: (() => void)[];
  /** The request that came last, which may still be arriving. */
  last: IncomingMessage | undefined;
  stalled: number;
  readonly isMoving: () => boolean;
  /** What is to be done when all requests in hand are answered. */
  whenIdle: (() => void) | undefined;
}

/** Bounds what each connection may take. */
export interface Connections {
  /** Counts a request as in hand until its answer is written, and serves it when those before it are answered. */
  admit(request: IncomingMessage, response: ServerResponse, serve: () => void): void;
  /**
   * Does something when the requests in hand of a connection are answered; at once where there are none, and where the
   * last of them has not arrived whole: nothing more comes of it.
   */
  whenIdle(socket: Duplex, act: () => void): void;
}

/**
 * Watches over the connections of a server.
 * @param options.checkMs Milliseconds between two looks at how far readers have read, ten seconds at most; after
 * three looks without progress a connection is closed, whatever is written on it.
 */
export const watchConnections = (
  server: Server,
  options: { readonly isTrustedProxy: AddressMatch; readonly checkMs: number },
): Connections => {
  const open = new Map<Duplex, Connection>();
  const perPeer = new Map<string, number>();

  const count = (peer: string, by: 1 | -1): number => {
    const now = (perPeer.get(peer) ?? 0) + by;
    if (now > 0) perPeer.set(peer, now);
    else perPeer.delete(peer);
    return now;
  };

  server.on('connection', (socket: Socket) => {
    const peer = keepPeer(socket);
    if (peer === undefined) return socket.destroy();
    if (!options.isTrustedProxy(peer)) {
      socket.once('close', () => count(peer, -1));
      if (count(peer, 1) > MAX_PER_PEER) return socket.destroy();
    }
    open.set(socket, {
      inHand: 0,
      waiting: [],
      last: undefined,
      stalled: 0,
      isMoving: watchProgress(socket),
      whenIdle: undefined,
    });
    socket.once('close', () => open.delete(socket));
    return undefined;
  });

  const checks = setInterval(
    () => {
      for (const [socket, connection] of open) {
        connection.stalled = connection.isMoving() ? 0 : connection.stalled + 1;
        if (connection.stalled >= STALLED_CHECKS) socket.destroy();
      }
    },
    Math.min(options.checkMs, CHECK_MS),
  );
  server.once('close', () => clearInterval(checks));

  return {
    admit: (request, response, serve) => {
      const connection = open.get(request.socket);
      if (!connection || connection.inHand >= MAX_IN_HAND) return;
      connection.inHand += 1;
      connection.last = request;
      // Node closes the connection behind the answer to this one.
      if (connection.inHand === MAX_IN_HAND) response.shouldKeepAlive = false;
      response.once('close', () => {
        connection.inHand -= 1;
        if (connection.inHand === 0) connection.whenIdle?.();
        else if (!request.socket.destroyed) connection.waiting.shift()?.();
      });
      if (connection.inHand === 1) serve();
      else connection.waiting.push(serve);
    },
    whenIdle: (socket, act) => {
      const connection = open.get(socket);
      if (connection && connection.inHand > 0 && connection.last?.complete) connection.whenIdle = act;
      else act();
    },
  };
};
