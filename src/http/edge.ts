import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { clientAddress } from '../limits/client-address.ts';
import { type AddressMatch, isLoopbackHost } from '../limits/trusted-proxies.ts';

/** Exact origins, or any. */
export type AllowedOrigins = 'any' | readonly string[];

/** Whom the service lets in, and where it takes a caller's address from. Trust is decided here, and nowhere else. */
export interface Edge {
  readonly allowedOrigins: AllowedOrigins;
  /** This service's own address for browsers; undefined: only loopback is our own. */
  readonly publicOrigin: string | undefined;
  /** How many proxies stand in front. */
  readonly trustProxy: number;
  /** Which peers may be such proxies. */
  readonly isTrustedProxy: AddressMatch;
}

/**
 * Whether an origin is this service's own: PUBLIC_ORIGIN, or a page of this machine. Never what `Host` says: a name
 * that an attacker points at this address would make the attacker's page our own.
 */
const isOwn = ({ publicOrigin }: Pick<Edge, 'publicOrigin'>, origin: string): boolean => {
  if (origin === publicOrigin) return true;
  const url = URL.parse(origin);
  return url?.origin === origin && isLoopbackHost(url.hostname);
};

/** Whether pages of an origin may call; so may callers that are no page and send none. */
export const isOriginAllowed = (
  edge: Pick<Edge, 'allowedOrigins' | 'publicOrigin'>,
  origin: string | undefined,
): boolean =>
  origin === undefined ||
  edge.allowedOrigins === 'any' ||
  edge.allowedOrigins.includes(origin) ||
  isOwn(edge, origin);

/** The peers of connections, as they were when these opened: a connection that was reset has no address any more. */
const peers = new WeakMap<Socket, string>();

/** Keeps the address of a connection that has just opened. @returns The address; undefined: it is gone already. */
export const keepPeer = (socket: Socket): string | undefined => {
  const { remoteAddress } = socket;
  if (remoteAddress !== undefined) peers.set(socket, remoteAddress);
  return remoteAddress;
};

/** The address of a connection's other end. */
export const peerOf = (socket: Socket): string | undefined => peers.get(socket) ?? socket.remoteAddress;

/**
 * The client's address, as the limits count it: the peer's, or what a proxy that is believed says of it.
 */
export const addressOf = ({ headers, socket }: IncomingMessage, edge: Edge): string => {
  const peer = peerOf(socket);
  const forwarded = headers['x-forwarded-for'];
  return clientAddress(
    { socketAddress: peer, forwardedFor: Array.isArray(forwarded) ? forwarded.join() : forwarded },
    edge.isTrustedProxy(peer) ? edge.trustProxy : 0,
  );
};
