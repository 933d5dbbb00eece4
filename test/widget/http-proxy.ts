import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { onTestFinished } from 'vitest';

/** What stands between a page and the service, and how it treats what goes through. */
export interface HttpProxy {
  readonly url: string;
  /** Answers are held back until they are whole, as some proxies do with streams. */
  buffers: boolean;
  /** Streams are begun, but nothing of them comes through. */
  isMute: boolean;
  /** Milliseconds by which each piece of an answer is late. */
  delay: number;
  /** Calls are refused before they arrive. */
  isDown: boolean;
  /** `POST /api/chat` so far. */
  readonly calls: readonly string[];
  /** Cuts every connection that is open now. */
  cut(): void;
}

/** Starts a proxy in front of a service; it ends with the test. */
export const startHttpProxy = async (target: { url: string }): Promise<HttpProxy> => {
  const calls: string[] = [];
  const open = new Set<ServerResponse>();
  const state = { buffers: false, isMute: false, delay: 0, isDown: false };

  const answer = async (from: IncomingMessage, to: ServerResponse): Promise<void> => {
    const headers = { ...from.headers };
    if (state.buffers) {
      const pieces: Buffer[] = [];
      for await (const piece of from) pieces.push(piece);
      to.writeHead(from.statusCode ?? 502, headers).end(Buffer.concat(pieces));
      return;
    }
    to.writeHead(from.statusCode ?? 502, headers);
    const isMute = state.isMute && headers['content-type']?.startsWith('text/event-stream');
    // A sign of life without a word: the caller sees that its call has arrived.
    if (isMute) to.write(': wait\n\n');
    for await (const piece of from) {
      if (isMute) continue;
      if (state.delay > 0) await new Promise((resolve) => setTimeout(resolve, state.delay));
      to.write(piece);
    }
    if (!isMute) to.end();
  };

  const server = createServer((incoming, outgoing) => {
    if (state.isDown) {
      incoming.socket.destroy();
      return;
    }
    open.add(outgoing);
    outgoing.on('close', () => open.delete(outgoing));
    calls.push(`${incoming.method} ${incoming.url} ${incoming.headers.accept ?? ''}`);
    const onward = request(
      `${target.url}${incoming.url}`,
      { method: incoming.method, headers: incoming.headers, agent: false },
      (from) => void answer(from, outgoing).catch(() => outgoing.destroy()),
    );
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return Object.assign(state, {
    url: `http://127.0.0.1:${address.port}`,
    calls,
    cut: () => {
      for (const response of open) response.destroy();
    },
  });
};
