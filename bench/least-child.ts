/**
 * The least that a message can cost here: a bare Hono handler on the service's own store, HTTP client and reader of
 * events. It accepts a message durably, asks, reads the answer, records it durably, and nothing else.
 */

import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { z } from 'zod';
import { readMessages } from '../src/backends/event-stream.ts';
import { createHttpClient } from '../src/backends/http-client.ts';
import { IGNORED_EVENTS, readResponse } from '../src/backends/response-stream.ts';
import { newExchangeId } from '../src/chat/exchange-id.ts';
import { openSqliteStore } from '../src/stores/sqlite/sqlite-store.ts';
import { bareRun, makeConversation } from './bare-run.ts';

const upstream = process.env.UPSTREAM ?? '';
const quiet = () => undefined;
const store = await openSqliteStore({
  dir: process.env.DATA_DIR ?? '',
  maxBytes: 64_000_000,
  clock: Date,
  logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
});
const http = createHttpClient();
const conversationOf = makeConversation(upstream);
const request = z.object({ user_id: z.string(), message: z.string() });

const ask = async (visitor: string, message: string): Promise<string> => {
  const { headers, body } = bareRun(visitor, message, await conversationOf(visitor));
  const { body: answer } = await http.call(new URL(`${upstream}/responses`), { headers, body }).answer;
  const messages = readMessages(answer, { ignored: IGNORED_EVENTS, onChunk: quiet });
  let said = '';
  for await (const event of readResponse(Object.assign(messages, { nearlyOver: quiet })))
    if (event.type === 'delta') said += event.text;
  return said;
};

const app = new Hono();
app.post('/api/chat', async (c) => {
  const { user_id: id, message } = request.parse(await c.req.json());
  const now = Date.now();
  const accepted = {
    id: newExchangeId(now),
    visitor: { kind: 'user', id },
    user: message,
    timestamp: now / 1000,
  } as const;
  await store.accept(accepted);
  const answer = await ask(id, message);
  await store.finish({ ...accepted, bot: answer });
  return c.json({ answer, id: accepted.id });
});

serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  console.log(`the least listening on http://127.0.0.1:${port}`);
});
