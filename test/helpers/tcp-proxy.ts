import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { atEnd } from './at-end.ts';

/** A proxy between a client and a server, which can lose what it is given. */
export interface TcpProxy {
  readonly port: number;
  /** Connections that are open now. */
  readonly open: () => number;
  /** How the next bytes of each side go: on, nowhere, or on with the connection cut as soon as the other side answers. */
  mode: 'pass' | 'swallow' | 'cut-answer';
  /** Cuts all connections. */
  cut(): void;
}

/** Starts a proxy in front of a port of this host; it ends with the test. */
export const startProxy = async (target: number): Promise<TcpProxy> => {
  const pairs = new Set<readonly [Socket, Socket]>();
  const proxy: TcpProxy = {
    port: 0,
    open: () => pairs.size,
    mode: 'pass',
    cut: () => {
      for (const [client, server] of pairs) {
        client.resetAndDestroy();
        server.destroy();
      }
    },
  };
  const listener = createServer((client) => {
    const server = connect(target, '127.0.0.1');
    const pair = [client, server] as const;
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    client.on('data', (bytes) => {
      if (proxy.mode !== 'swallow') server.write(bytes);
    });
    server.on('data', (bytes) => {
      if (proxy.mode === 'pass') client.write(bytes);
      else if (proxy.mode === 'cut-answer') client.resetAndDestroy();
    });
    for (const side of pair) side.on('error', () => undefined).on('close', end);
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  atEnd(async () => {
    proxy.cut();
    listener.close();
    await once(listener, 'close');
  });
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return Object.assign(proxy, { port: address.port });
};
