import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { parseAssistant } from '../../src/assistant/parse.ts';
import { createWebhooks, type ToolContext } from '../../src/assistant/webhooks.ts';
import { createHttpClient } from '../../src/backends/http-client.ts';

export const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
const http = createHttpClient();
const clock = { now: () => Date.now() };

interface Received {
  readonly headers: Record<string, string>;
  readonly body: string;
}
export type Answer = (outgoing: ServerResponse, received: Received, incoming: IncomingMessage) => unknown;

/** A site's server, and the assistant whose functions call it: `order` signed, `hours` for anyone. */
export const startSite = async (answer: Answer, timeout_ms = 5_000) => {
  const received: Received[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const headers = Object.fromEntries(Object.entries(incoming.headers).map(([k, v]) => [k, String(v)]));
    const call = { headers, body: await text(incoming) };
    received.push(call);
    await answer(outgoing, call, incoming);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/secret-path`;
  const hook = (name: string, more: object) => ({
    type: 'function',
    function: { name },
    'x-webhook': { url, timeout_ms, ...more },
  });
  const tools = [hook('order', { secret_env: 'SITE' }), hook('hours', { allow_unverified: true })];
  const { definition, secrets } = parseAssistant({ tools }, { env: { SITE: SECRET } });
  const lines: unknown[] = [];
  const logger = {
    debug: () => undefined,
    warn: (fields: object, message: string) => lines.push({ ...fields, message }),
  };
  return {
    received,
    lines,
    server,
    ...createWebhooks({ definition, secrets, fetch: http.fetch, clock, logger }),
  };
};

export const context = (more: Partial<ToolContext> = {}): ToolContext => ({
  userId: 'ada',
  verified: true,
  exchangeId: 'exchange-1',
  signal: new AbortController().signal,
  ...more,
});
export const order = (more: object = {}) => ({
  name: 'order',
  arguments: '{"id": 12345678901234567890}',
  callId: 'call_1',
  ...more,
});
