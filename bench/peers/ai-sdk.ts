/**
 * A small chat handler on the AI SDK, as its documentation writes one: JSON answers and its own stream, each exchange
 * appended to a file. No limits, no order within a thread, no memory; the file is not synced to the disk.
 */

import { appendFile } from 'node:fs/promises';
import { createOpenAI } from '@ai-sdk/openai';
import { serve } from '@hono/node-server';
import { generateText, streamText } from 'ai';
import { Hono } from 'hono';
import { z } from 'zod';

const { UPSTREAM, LOG_FILE } = z.object({ UPSTREAM: z.url(), LOG_FILE: z.string() }).parse(process.env);
const Message = z.object({ user_id: z.string(), message: z.string() });

const openai = createOpenAI({ baseURL: UPSTREAM, apiKey: 'bench-key-that-nobody-else-has' });
const assistant = {
  model: openai('gpt-6-luna'),
  instructions: 'You are the helpful assistant of this website. Answer briefly and in plain words.',
  maxOutputTokens: 4096,
};

const log = (user_id: string, user: string, bot: string): Promise<void> =>
  appendFile(LOG_FILE, `${JSON.stringify({ user_id, user, bot, timestamp: Date.now() / 1000 })}\n`);

const app = new Hono();
app.post('/api/chat', async (c) => {
  const { user_id, message } = Message.parse(await c.req.json());
  if (c.req.header('Accept') === 'text/event-stream') {
    return streamText({
      ...assistant,
      prompt: message,
      onFinish: ({ text }) => log(user_id, message, text),
    }).toUIMessageStreamResponse();
  }
  const { text } = await generateText({ ...assistant, prompt: message });
  await log(user_id, message, text);
  return c.json({ answer: text });
});

serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  console.log(`AI SDK handler listening on http://127.0.0.1:${port}`);
});
