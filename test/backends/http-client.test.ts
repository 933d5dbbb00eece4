import { createServer } from 'node:http';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createHttpClient } from '../../src/backends/http-client.ts';
import { startService } from '../helpers/service.ts';

it('a response whose body is discarded does not end the process', async () => {
  const server = createServer((_incoming, outgoing) => {
    outgoing.writeHead(500, { 'content-type': 'text/html' }).end('<h1>Out of order</h1>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = createHttpClient();
  onTestFinished(() => {
    client.close();
    server.close();
  });
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  // What is thrown from an event of the body is no rejection: Vitest reports it as an uncaught exception and fails.
  for (let call = 0; call < 20; call += 1) {
    const response = await client.fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{}' });
    await response.body?.cancel();
    expect(response.status).toBe(500);
  }
});

/** A server that answers each call with these bytes, and keeps the connection. */
const startAnswering = async (bytes: string) => {
  const sockets: Socket[] = [];
  const server = createTcpServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write(bytes, 'latin1'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = createHttpClient();
  onTestFinished(() => {
    client.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return { client, url: `http://127.0.0.1:${port}/`, sockets };
};

it.each([
  ['204 No Content\r\nContent-Encoding: br\r\n\r\n', 204],
  ['304 Not Modified\r\nContent-Encoding: br\r\n\r\n', 304],
  ['205 Reset Content\r\nContent-Encoding: br\r\nContent-Length: 0\r\n\r\n', 205],
  ['205 Reset Content\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\nnotgzip', 205],
])(
  'a response without a body that says it is compressed does not end the process: %j',
  async (head, status) => {
    const { client, url } = await startAnswering(`HTTP/1.1 ${head}`);
    // As above: the decoder would throw from an event.
    for (let call = 0; call < 3; call += 1) expect((await client.fetch(url)).status).toBe(status);
  },
);

it('a server that changes to another protocol is one that cannot be reached', async () => {
  const { client, url } = await startAnswering(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: else\r\n\r\n',
  );
  await expect(client.fetch(url)).rejects.toThrow('fetch failed');
});

it('a status that does not exist fails, also beside our server, and its connection is not kept', async () => {
  await startService();
  const { client, url, sockets } = await startAnswering(
    'HTTP/1.1 600 Else\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n',
  );
  await expect(client.fetch(url)).rejects.toThrow(RangeError);
  await expect.poll(() => sockets.map(({ destroyed }) => destroyed)).toEqual([true]);
});
