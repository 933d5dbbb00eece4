import type { Server } from 'node:http';
import { systemReason } from '../system-reason.ts';

/** Connections that may wait to be taken: at the default of 511, two thousand visitors at once lose seconds. */
const BACKLOG = 4_096;
/** How long answers that are being written may take to leave when everything else is over. */
const LAST_WORDS_MS = 2_000;
/** Since macOS 12 AirPlay Receiver listens on it. */
const AIRPLAY_PORT = 5_000;
/** How often connections that have become idle are looked for meanwhile. */
const IDLE_CHECK_MS = 20;

/**
 * Listens.
 * @returns The URL under which this machine reaches it.
 * @throws Error that names address and port where they cannot be had.
 */
export const listen = async (server: Server, host: string, port: number): Promise<string> => {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ port, host, backlog: BACKLOG }, resolve);
  try {
    await promise;
  } catch (cause) {
    throw new Error(`it cannot listen on ${host}, port ${port}: ${whyNot(cause, host, port)}`, { cause });
  } finally {
    server.off('error', reject);
  }
  const address = server.address();
  const taken = address !== null && typeof address === 'object' ? address.port : port;
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${taken}`;
};

/** Why an address cannot be had, and which setting to change. */
const whyNot = (cause: unknown, host: string, port: number): string => {
  switch (cause instanceof Error && 'code' in cause ? cause.code : undefined) {
    case 'EADDRINUSE': {
      const isAirPlay = process.platform === 'darwin' && port === AIRPLAY_PORT;
      const what = isAirPlay ? 'something else, on macOS often AirPlay Receiver,' : 'something else';
      return `${what} listens there; set PORT to a free one`;
    }
    case 'EACCES':
    case 'EPERM':
      return 'this user may not listen there; set PORT to 1024 or more';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EADDRNOTAVAIL':
    case 'EINVAL':
      return `HOST is ${JSON.stringify(host)}, which is no address of this machine (conda and some shells set HOST); set HOST=0.0.0.0`;
    default:
      return systemReason(cause);
  }
};

/** Listens no more; answers that are being written get a moment, then every connection is closed. */
export const closeServer = async (server: Server): Promise<void> => {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  // A connection that writes its answer now becomes idle in a moment, and would be kept for the next request.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  const late = setTimeout(() => server.closeAllConnections(), LAST_WORDS_MS);
  await closed;
  clearInterval(idle);
  clearTimeout(late);
};
