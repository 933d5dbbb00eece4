import type { AssistantStreamEvent } from 'openai/resources/beta/assistants';
import { expect, test } from 'vitest';
import type { Fault } from '../../emulator/faults.ts';
import { collapse, collect, collectUntilError, start } from './start.ts';

const ASSISTANT = { assistant_id: 'asst_1' };
const hello = { role: 'user' as const, content: 'Hello' };

const deltasOf = (events: readonly AssistantStreamEvent[]) =>
  events.flatMap(({ event, data }) =>
    event === 'thread.message.delta'
      ? (data.delta.content ?? []).map((part) => (part.type === 'text' ? part.text?.value : undefined))
      : [],
  );

test('an assistant is made and shown; unknown ones are strangers only where that was asked for', async () => {
  const { openai } = await start({ assistants: ['asst_known'] });
  const { assistants } = openai.beta;
  const made = await assistants.create({ model: 'gpt-6-luna', name: 'Ada', instructions: 'Be kind.' });
  expect(made).toMatchObject({ object: 'assistant', name: 'Ada', instructions: 'Be kind.', tools: [] });
  expect(await assistants.retrieve(made.id)).toEqual(made);
  expect(await assistants.retrieve('asst_known')).toMatchObject({ id: 'asst_known' });
  await expect(assistants.retrieve('asst_other')).rejects.toMatchObject({
    status: 404,
    error: { message: "No assistant found with id 'asst_other'." },
  });
});

test('threads and messages are made, listed, shown and deleted', async () => {
  const { openai } = await start();
  const { threads } = openai.beta;
  const thread = await threads.create({ messages: [hello], metadata: { a: 'b' } });
  expect(await threads.retrieve(thread.id)).toEqual(thread);
  const message = await threads.messages.create(thread.id, {
    role: 'assistant',
    content: [{ type: 'text', text: 'Hi' }],
    metadata: { n: '1' },
  });
  expect(message).toMatchObject({
    object: 'thread.message',
    role: 'assistant',
    thread_id: thread.id,
    content: [{ type: 'text', text: { value: 'Hi', annotations: [] } }],
    metadata: { n: '1' },
  });
  expect(await threads.messages.retrieve(message.id, { thread_id: thread.id })).toEqual(message);
  const listed = await collect(threads.messages.list(thread.id, { limit: 1 }));
  expect(listed.map(({ role }) => role)).toEqual(['assistant', 'user']);
  expect(await threads.delete(thread.id)).toMatchObject({ deleted: true });
  await expect(threads.retrieve(thread.id)).rejects.toMatchObject({
    status: 404,
    error: { message: `No thread found with id '${thread.id}'.` },
  });
  const tooMany = Array.from({ length: 33 }, () => hello);
  await expect(threads.create({ messages: tooMany })).rejects.toMatchObject({ status: 400 });
});

test('a first turn makes thread and run in one streamed call', async () => {
  const { emulator, openai } = await start({ answer: () => 'Hi there.' });
  const stream = await openai.beta.threads.createAndRun({
    ...ASSISTANT,
    thread: { messages: [hello] },
    max_completion_tokens: 4096,
    stream: true,
  });
  const events = await collect(stream);
  expect(events.map(({ event }) => event)).toEqual([
    'thread.created',
    'thread.run.created',
    'thread.run.queued',
    'thread.run.in_progress',
    'thread.run.step.created',
    'thread.run.step.in_progress',
    'thread.message.created',
    'thread.message.in_progress',
    'thread.message.delta',
    'thread.message.delta',
    'thread.message.completed',
    'thread.run.step.completed',
    'thread.run.completed',
  ]);
  expect(deltasOf(events)).toEqual(['Hi ', 'there.']);
  expect(events.at(-1)?.data).toMatchObject({
    status: 'completed',
    max_completion_tokens: 4096,
    usage: { prompt_tokens: expect.any(Number), completion_tokens: 2 },
  });
  expect(emulator.requests.at(-1)).toMatchObject({ endpoint: 'runs', path: '/v1/threads/runs' });
});

test('a later turn is one streamed call with additional_messages, and the thread is remembered', async () => {
  const { openai } = await start();
  const { threads } = openai.beta;
  const thread = await threads.create({ messages: [{ role: 'user', content: 'I am Ada' }] });
  const stream = await threads.runs.create(thread.id, {
    ...ASSISTANT,
    additional_messages: [{ role: 'user', content: 'What was the first thing I told you?' }],
    stream: true,
  });
  const events = await collect(stream);
  expect(events[0]?.event).toBe('thread.run.created');
  expect(deltasOf(events).join('')).toBe(
    'The first thing you said was: "I am Ada". This is message 2 of our conversation.',
  );
  const [answer] = (await threads.messages.list(thread.id)).data;
  const [run] = (await threads.runs.list(thread.id)).data;
  expect(answer).toMatchObject({ role: 'assistant', run_id: run?.id, assistant_id: 'asst_1' });
});

test('a run that is not streamed is queued at once and completed for those who ask', async () => {
  const { openai } = await start();
  const run = await openai.beta.threads.createAndRun({ ...ASSISTANT, thread: { messages: [hello] } });
  expect(run.status).toBe('queued');
  const done = await openai.beta.threads.runs.poll(run.id, { thread_id: run.thread_id });
  expect(done.status).toBe('completed');
});

test("the SDK's own stream helper understands a run", async () => {
  const { openai } = await start();
  const stream = openai.beta.threads.createAndRunStream({ ...ASSISTANT, thread: { messages: [hello] } });
  const [message] = await stream.finalMessages();
  expect(message?.content[0]).toMatchObject({ text: { value: expect.stringContaining('"Hello"') } });
});

test('a thread takes one run at a time, and no messages meanwhile, until the run is cancelled', async () => {
  const { emulator, openai } = await start();
  const { threads } = openai.beta;
  const { id } = await threads.create();
  emulator.fail({ on: 'runs', fault: { kind: 'hang-mid-stream' } });
  const left = emulator.nextAbort();
  const stream = await threads.runs.create(id, { ...ASSISTANT, additional_messages: [hello], stream: true });
  stream.controller.abort();
  await left;

  const [run] = (await threads.runs.list(id)).data;
  if (run === undefined) throw new Error('no run');
  expect(run.status).toBe('in_progress');
  await expect(threads.runs.create(id, ASSISTANT)).rejects.toMatchObject({
    status: 400,
    error: { message: `Thread ${id} already has an active run ${run.id}.` },
  });
  await expect(threads.messages.create(id, hello)).rejects.toMatchObject({
    status: 400,
    error: { message: `Can't add messages to ${id} while a run ${run.id} is active.` },
  });

  expect((await threads.runs.cancel(run.id, { thread_id: id })).status).toBe('cancelling');
  expect((await threads.runs.retrieve(run.id, { thread_id: id })).status).toBe('cancelled');
  await expect(threads.runs.cancel(run.id, { thread_id: id })).rejects.toMatchObject({ status: 400 });
  await threads.runs.create(id, { ...ASSISTANT, additional_messages: [hello] });
});

test('a run that is cancelled ends its stream so', async () => {
  const { emulator, openai } = await start();
  const { threads } = openai.beta;
  const { id } = await threads.create();
  emulator.fail({ on: 'runs', fault: { kind: 'hold', afterDeltas: 1 } });
  const stream = await threads.runs.create(id, { ...ASSISTANT, additional_messages: [hello], stream: true });
  const [run] = (await threads.runs.list(id)).data;
  await threads.runs.cancel(run?.id ?? '', { thread_id: id });
  const names = (await collect(stream)).map(({ event }) => event);
  expect(names.slice(-2)).toEqual(['thread.run.cancelling', 'thread.run.cancelled']);
});

test('a run that requires an action holds its thread until it is cancelled', async () => {
  const { emulator, openai } = await start();
  const { threads } = openai.beta;
  const { id } = await threads.create({ messages: [hello] });
  emulator.fail({ on: 'runs', fault: { kind: 'requires_action' } });
  const events = await collect(await threads.runs.create(id, { ...ASSISTANT, stream: true }));
  const last = events.at(-1);
  expect(last).toMatchObject({
    event: 'thread.run.requires_action',
    data: { status: 'requires_action', required_action: { type: 'submit_tool_outputs' } },
  });
  await expect(threads.runs.create(id, ASSISTANT)).rejects.toMatchObject({ status: 400 });
  const [run] = (await threads.runs.list(id)).data;
  await threads.runs.cancel(run?.id ?? '', { thread_id: id });
  await threads.runs.create(id, ASSISTANT);
});

test.for([
  [
    { kind: 'failed', code: 'rate_limit_exceeded' },
    'thread.run.failed',
    { last_error: { code: 'rate_limit_exceeded' } },
  ],
  [{ kind: 'expired' }, 'thread.run.expired', { status: 'expired' }],
  [{ kind: 'cancelled' }, 'thread.run.cancelled', { status: 'cancelled' }],
  [
    { kind: 'incomplete', reason: 'max_output_tokens' },
    'thread.run.incomplete',
    { incomplete_details: { reason: 'max_completion_tokens' } },
  ],
  [{ kind: 'incomplete', reason: 'content_filter' }, 'thread.run.incomplete', { status: 'incomplete' }],
] satisfies [Fault, string, object][])('a run can end otherwise: %j', async ([fault, event, data]) => {
  const { emulator, openai } = await start();
  emulator.fail({ on: 'runs', fault });
  const stream = await openai.beta.threads.createAndRun({
    ...ASSISTANT,
    thread: { messages: [hello] },
    stream: true,
  });
  const events = await collect(stream);
  expect(deltasOf(events)).toHaveLength(3);
  expect(events.at(-1)).toMatchObject({ event, data });
  expect(events.map((one) => one.event)).toContain('thread.message.incomplete');
});

test('faults of the stream strike runs, too', async () => {
  const { emulator, openai } = await start();
  const begin = () =>
    openai.beta.threads.createAndRun({ ...ASSISTANT, thread: { messages: [hello] }, stream: true });
  const outcomes: Record<string, unknown> = {};
  for (const kind of ['cut', 'end-early', 'malformed-sse', 'error-event', 'refusal'] as const) {
    emulator.fail({ on: 'runs', fault: { kind } });
    const { all, error } = await collectUntilError<AssistantStreamEvent>(await begin());
    outcomes[kind] = error instanceof Error ? error.name : collapse(all.map(({ event }) => event)).at(-1);
  }
  expect(outcomes).toEqual({
    cut: 'TypeError',
    'end-early': 'thread.message.delta',
    'malformed-sse': 'SyntaxError',
    'error-event': 'Error',
    refusal: 'thread.run.completed',
  });
});

test('a thread can be said to have an active run while it has none', async () => {
  const { emulator, openai } = await start();
  const { threads } = openai.beta;
  const { id } = await threads.create();
  emulator.fail({ on: ['runs', 'messages'], fault: { kind: 'locked' }, times: 2 });
  await expect(threads.runs.create(id, ASSISTANT)).rejects.toThrow('already has an active run');
  await expect(threads.messages.create(id, hello)).rejects.toThrow("Can't add messages");
  await threads.messages.create(id, hello);
});
