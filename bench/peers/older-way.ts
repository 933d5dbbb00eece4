/**
 * How such bots were written for the Assistants API: a thread per visitor, then for each message four calls or more
 * (message, run, looks at the run until it is done, list of messages), and one JSON file that is read and rewritten for
 * each exchange. No streams, no limits, and no order of two messages of one visitor.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { OpenAI } from 'openai';
import { z } from 'zod';

const { UPSTREAM, LOG_FILE } = z.object({ UPSTREAM: z.url(), LOG_FILE: z.string() }).parse(process.env);
const Message = z.object({ user_id: z.string(), message: z.string() });
const Log = z.record(
  z.string(),
  z.array(z.object({ user: z.string(), bot: z.string(), timestamp: z.number() })),
);
/** Between two looks at a run. The first is at once. */
const POLL_MS = 500;

const client = new OpenAI({ baseURL: UPSTREAM, apiKey: 'bench-key-that-nobody-else-has' });
const { threads, assistants } = client.beta;
const assistant = await assistants.create({
  model: 'gpt-6-luna',
  instructions: 'You are the helpful assistant of this website. Answer briefly and in plain words.',
});

const known = new Map<string, Promise<string>>();
const threadOf = (visitor: string): Promise<string> => {
  const thread = known.get(visitor) ?? threads.create().then(({ id }) => id);
  known.set(visitor, thread);
  return thread;
};

await writeFile(LOG_FILE, '{}');
const rewrite = async (visitor: string, user: string, bot: string): Promise<void> => {
  const log = Log.parse(JSON.parse(await readFile(LOG_FILE, 'utf8')));
  const exchanges = log[visitor] ?? [];
  exchanges.push({ user, bot, timestamp: Date.now() / 1000 });
  log[visitor] = exchanges;
  await writeFile(LOG_FILE, JSON.stringify(log, null, 2));
};
// One after the other: two at once would lose one of two exchanges, or the file.
let lastWrite: Promise<void> = Promise.resolve();
const record = (visitor: string, user: string, bot: string): Promise<void> => {
  lastWrite = lastWrite.then(() => rewrite(visitor, user, bot));
  return lastWrite;
};

const app = new Hono();
app.post('/api/chat', async (c) => {
  const { user_id, message } = Message.parse(await c.req.json());
  const thread = await threadOf(user_id);
  await threads.messages.create(thread, { role: 'user', content: message });
  const run = await threads.runs.createAndPoll(
    thread,
    { assistant_id: assistant.id },
    { pollIntervalMs: POLL_MS },
  );
  if (run.status !== 'completed') return c.json({ error: run.status }, 502);
  const { data } = await threads.messages.list(thread, { limit: 1 });
  const answer = (data[0]?.content ?? [])
    .map((part) => (part.type === 'text' ? part.text.value : ''))
    .join('');
  await record(user_id, message, answer);
  return c.json({ answer });
});

serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  console.log(`older way listening on http://127.0.0.1:${port}`);
});
