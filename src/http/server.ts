import type { Server } from 'node:http';

/** Connections that may wait to be taken: at the default of 511, two thousand visitors at once lose seconds. */
const BACKLOG = 4_096;
/** How long answers that are being written may take to leave when everything else is over. */
const LAST_WORDS_MS = 2_000;
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
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    const why =
      code === 'EADDRINUSE' ? 'something else listens there; set PORT to a free one' : String(cause);
    throw new Error(`it cannot listen on ${host}, port ${port}: ${why}`, { cause });
  } finally {
    server.off('error', reject);
  }
  const address = server.address();
  const taken = address !== null && typeof address === 'object' ? address.port : port;
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${taken}`;
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
