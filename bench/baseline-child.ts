/** What throughput is compared with: bare Hono handlers that make the service's upstream call with `fetch`. */

import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { bareRun, makeConversation } from './bare-run.ts';

const upstream = process.env.UPSTREAM ?? '';
/** About as many as the service answers with. */
const ANSWER_CHARS = 250;

const conversationOf = makeConversation(upstream);

const run = async ({ user_id, message }: { user_id: string; message: string }): Promise<Response> =>
  fetch(`${upstream}/responses`, {
    method: 'POST',
    ...bareRun(user_id, message, await conversationOf(user_id)),
  });

const app = new Hono();
app.post('/read', async (c) => {
  const response = await run(await c.req.json());
  const text = await response.text();
  return c.json({ answer: text.slice(-ANSWER_CHARS), id: crypto.randomUUID() });
});
app.post('/pipe', async (c) => {
  const response = await run(await c.req.json());
  return new Response(response.body, { headers: { 'Content-Type': 'text/event-stream; charset=utf-8' } });
});

serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  console.log(`baseline listening on http://127.0.0.1:${port}`);
});
