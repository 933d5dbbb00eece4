import { createServer } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { createHttpClient } from '../../src/backends/http-client.ts';

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
