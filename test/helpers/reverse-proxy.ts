import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { atEnd } from './at-end.ts';

interface ProxyOptions {
  /** Whether it passes an answer on only when it is whole, as proxies do by default. */
  readonly buffers?: true;
  /** Whether it drops WebSockets, as proxies do by default. */
  readonly dropsUpgrades?: true;
}

/** A proxy on loopback that appends to `X-Forwarded-For`, as all do. It ends with the test. */
export const startReverseProxy = async (port: number, options: ProxyOptions = {}): Promise<string> => {
  const server = createServer((incoming, outgoing) => {
    const before = incoming.headers['x-forwarded-for'];
    const forwarded = [before, incoming.socket.remoteAddress]
      .filter((entry) => entry !== undefined)
      .join(', ');
    const onward = request(
      {
        port,
        host: '127.0.0.1',
        method: incoming.method,
        path: incoming.url,
        headers: { ...incoming.headers, 'x-forwarded-for': forwarded },
      },
      async (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        if (!options.buffers) return answer.pipe(outgoing);
        const chunks: Buffer[] = [];
        for await (const chunk of answer) chunks.push(Buffer.from(chunk));
        return outgoing.end(Buffer.concat(chunks));
      },
    );
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  server.on('upgrade', (incoming, socket, head) => {
    if (options.dropsUpgrades) return socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
    const onward = connect(port, '127.0.0.1', () => {
      const headers = Object.entries(incoming.headers).map(([name, value]) => `${name}: ${value}\r\n`);
      onward.write(`GET ${incoming.url} HTTP/1.1\r\n${headers.join('')}\r\n`);
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
};
