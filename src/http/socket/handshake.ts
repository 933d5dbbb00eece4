import type { IncomingMessage } from 'node:http';
import { cleanPath } from '../clean-path.ts';

/** The name that a page may offer beside its token, so that the service need not repeat the token. */
export const SUBPROTOCOL = 'thread-proxy';

/** A request for a WebSocket that can be granted. */
export interface Handshake {
  readonly path: string;
  /** The session token, unverified: offered as a subprotocol, or as `?token=`. */
  readonly token: string | undefined;
  /** The language that `?lang=` names. */
  readonly lang: string | null;
}

/** A list of subprotocols, as RFC 6455 allows it: names, none of them twice. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

const subprotocols = (header: string | undefined): string[] | undefined => {
  if (header === undefined) return [];
  const names = header.split(',').map((name) => name.trim());
  return new Set(names).size === names.length && names.every((name) => TOKEN.test(name)) ? names : undefined;
};

/** Reads a request for a WebSocket; undefined for what is none, or not a proper one. */
export const readHandshake = ({ method, url = '/', headers }: IncomingMessage): Handshake | undefined => {
  const address = URL.parse(cleanPath(url), 'http://localhost');
  const offered = subprotocols(headers['sec-websocket-protocol']);
  const isProper =
    method === 'GET' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    headers['sec-websocket-version'] === '13' &&
    /^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '') &&
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined;
  if (!isProper || !address || !offered) return undefined;
  const token = offered.find((name) => name !== SUBPROTOCOL) ?? address.searchParams.get('token');
  return { path: address.pathname, token: token || undefined, lang: address.searchParams.get('lang') };
};

/** Which of the offered subprotocols is chosen: a browser closes where it is none of them. */
export const chooseSubprotocol = (offered: ReadonlySet<string>): string | false => {
  const [first] = offered;
  return offered.has(SUBPROTOCOL) ? SUBPROTOCOL : (first ?? false);
};
