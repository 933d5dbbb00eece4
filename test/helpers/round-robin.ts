import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { atEnd } from './at-end.ts';

/** What stands in front of several processes. */
export interface RoundRobin {
  readonly url: string;
  /** How many calls each process has got, by its URL. */
  readonly sent: ReadonlyMap<string, number>;
}

const bodyOf = async (incoming: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
};

/** Whether the call reached nobody, so that it may go to another process. */
const isRefused = (thrown: unknown): boolean =>
  thrown instanceof Error && 'code' in thrown && thrown.code === 'ECONNREFUSED';

/** Passes a call on, and its answer as it comes. @throws The system's error where the process cannot be reached. */
const passOn = (url: string, incoming: IncomingMessage, body: Buffer, outgoing: ServerResponse) =>
  new Promise<void>((resolve, reject) => {
    // `X-Client` stands for the address of the client: in a test they all come from one.
    const { 'x-client': client = '203.0.113.1', ...headers } = incoming.headers;
    const call = request(new URL(incoming.url ?? '/', url), {
      method: incoming.method ?? 'GET',
      headers: { ...headers, 'x-forwarded-for': String(client) },
      agent: false,
    });
    call.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
      // The process died amid its answer: the client is cut off, too.
      answer.on('error', () => outgoing.destroy());
      outgoing.on('close', () => {
        call.destroy();
        resolve();
      });
    });
    call.on('error', reject);
    call.end(body);
  });

/** A small load balancer: each call to the next process, and on to another where one does not listen. */
export const startRoundRobin = async (urls: () => readonly string[]): Promise<RoundRobin> => {
  const sent = new Map<string, number>();
  let turn = 0;
  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = await bodyOf(incoming);
    for (let tries = 0; ; tries++) {
      const all = urls();
      const url = all[turn++ % all.length] ?? '';
      try {
        sent.set(url, (sent.get(url) ?? 0) + 1);
        return await passOn(url, incoming, body, outgoing);
      } catch (thrown) {
        if (isRefused(thrown) && tries < all.length) continue;
        throw thrown;
      }
    }
  };
  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch(() => {
      if (outgoing.headersSent) outgoing.destroy();
      else outgoing.writeHead(502).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { url: `http://127.0.0.1:${address.port}`, sent };
};
