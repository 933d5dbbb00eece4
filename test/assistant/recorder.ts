import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

/** A request as it came over the wire. */
export interface Recorded {
  readonly request: string;
  readonly body: unknown;
}

/** A server that keeps the requests it gets and answers each with an empty object. */
export const startRecorder = async () => {
  const requests: Recorded[] = [];
  const server = createServer(async (incoming, outgoing) => {
    requests.push({
      request: `${incoming.method} ${incoming.url}`,
      body: JSON.parse(await text(incoming)),
    });
    outgoing.setHeader('content-type', 'application/json').end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    requests,
    baseURL: `http://127.0.0.1:${port}/v1`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
