/** What throughput is compared with: bare Hono handlers that make the service's upstream call with `fetch`. */

import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { z } from 'zod';

const upstream = process.env.UPSTREAM ?? '';
const headers = {
  'Content-Type': 'application/json',
  Authorization: 'Bearer bench-key-that-nobody-else-has',
};
/** About as many as the service answers with. */
const ANSWER_CHARS = 250;

const post = (path: string, body: object): Promise<Response> =>
  fetch(`${upstream}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });

const conversations = new Map<string, Promise<string>>();
const makeConversation = async (): Promise<string> =>
  z.object({ id: z.string() }).parse(await (await post('/conversations', {})).json()).id;
const conversationOf = (visitor: string): Promise<string> => {
  const known = conversations.get(visitor) ?? makeConversation();
  conversations.set(visitor, known);
  return known;
};

const run = async ({ user_id, message }: { user_id: string; message: string }): Promise<Response> =>
  post('/responses', {
    conversation: await conversationOf(user_id),
    input: message,
    instructions: 'You are the helpful assistant of this website. Answer briefly and in plain words.',
    model: 'gpt-6-luna',
    max_output_tokens: 4096,
    truncation: 'auto',
    safety_identifier: user_id.padEnd(43, '0'),
    stream: true,
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
