import type { AssistantStreamEvent } from 'openai/resources/beta/assistants';
import type { Run } from 'openai/resources/beta/threads/runs/runs';
import { expect, test } from 'vitest';
import type { Fault } from '../../emulator/faults.ts';
import { collapse, collect, start } from './start.ts';
import { both, CHAT_TOOLS, clock, inRounds, weather } from './tools.ts';

const RUN = { assistant_id: 'asst_1', tools: CHAT_TOOLS };
const hello = { role: 'user' as const, content: 'How is it?' };
const FIRST = { ...RUN, thread: { messages: [hello] } };

const callsOf = (run: Run) => run.required_action?.submit_tool_outputs.tool_calls ?? [];
const outputsFor = (run: Run, ...outputs: string[]) =>
  callsOf(run).map(({ id }, index) => ({ tool_call_id: id, output: outputs[index] ?? 'fine' }));

const namesOf = (events: readonly AssistantStreamEvent[]) => collapse(events.map(({ event }) => event));

/** The run that the last event tells of. */
const lastRun = (events: readonly AssistantStreamEvent[]): Run => {
  const last = events.at(-1);
  if (last?.event !== 'thread.run.requires_action' && last?.event !== 'thread.run.completed') {
    throw new Error(`It ended with ${last?.event}.`);
  }
  return last.data;
};

const ANSWER = [
  'thread.run.queued',
  'thread.run.in_progress',
  'thread.run.step.created',
  'thread.run.step.in_progress',
  'thread.message.created',
  'thread.message.in_progress',
  'thread.message.delta',
  'thread.message.completed',
  'thread.run.step.completed',
  'thread.run.completed',
];

test('a streamed run requires an action, and goes on with the outputs of all its calls', async () => {
  const { emulator, openai } = await start({ callTools: both });
  const { threads } = openai.beta;
  const events = await collect(await threads.createAndRun({ ...FIRST, stream: true }));
  expect(namesOf(events)).toEqual([
    'thread.created',
    'thread.run.created',
    'thread.run.queued',
    'thread.run.in_progress',
    'thread.run.step.created',
    'thread.run.step.in_progress',
    'thread.run.step.delta',
    'thread.run.requires_action',
  ]);
  const run = lastRun(events);
  expect(run).toMatchObject({ status: 'requires_action', tools: CHAT_TOOLS, usage: null });
  expect(callsOf(run)).toEqual([
    {
      id: expect.stringMatching(/^call_/),
      type: 'function',
      function: { name: 'weather', arguments: '{"city":"Rome 🦊"}' },
    },
    { id: expect.stringMatching(/^call_/), type: 'function', function: { name: 'clock', arguments: '{}' } },
  ]);

  const tool_outputs = outputsFor(run, '"dry"', 'noon');
  const going = await threads.runs.submitToolOutputs(run.id, {
    thread_id: run.thread_id,
    tool_outputs: tool_outputs.toReversed(),
    stream: true,
  });
  const rest = await collect(going);
  expect(namesOf(rest)).toEqual(['thread.run.step.completed', ...ANSWER]);
  expect(rest[0]?.data).toMatchObject({
    type: 'tool_calls',
    step_details: { tool_calls: [{ function: { output: '"dry"' } }, { function: { output: 'noon' } }] },
  });
  expect(lastRun(rest)).toMatchObject({ required_action: null, usage: { completion_tokens: 52 } });
  const [answer] = (await threads.messages.list(run.thread_id)).data;
  expect(answer?.content[0]).toMatchObject({
    text: {
      value: expect.stringContaining('The function clock gave: noon The function weather gave: "dry"'),
    },
  });
  expect(emulator.requests.at(-2)).toMatchObject({
    endpoint: 'runs.submit',
    body: { tool_outputs: tool_outputs.toReversed(), stream: true },
  });
});

test('a run that is not streamed can be polled through several rounds', async () => {
  const { openai } = await start({ callTools: inRounds([weather('Rome')], [weather('Oslo'), clock]) });
  const { runs } = openai.beta.threads;
  let run = await openai.beta.threads.createAndRunPoll(FIRST);
  const thread_id = run.thread_id;
  expect(callsOf(run)).toHaveLength(1);
  const queued = await runs.submitToolOutputs(run.id, { thread_id, tool_outputs: outputsFor(run, 'A') });
  expect(queued.status).toBe('queued');
  run = await runs.poll(run.id, { thread_id });
  expect(callsOf(run)).toHaveLength(2);
  run = await runs.submitToolOutputsAndPoll(run.id, { thread_id, tool_outputs: outputsFor(run, 'B', 'C') });
  expect(run.status).toBe('completed');
  const [answer] = (await openai.beta.threads.messages.list(thread_id)).data;
  expect(answer?.content[0]).toMatchObject({
    text: {
      value: expect.stringContaining('weather gave: A The function weather gave: B The function clock'),
    },
  });
});

test("the SDK's stream helpers understand calls and outputs", async () => {
  const { openai } = await start({ callTools: both });
  const { threads } = openai.beta;
  const asking = threads.createAndRunStream(FIRST);
  const [step] = await asking.finalRunSteps();
  const run = asking.currentRun();
  if (run === undefined) throw new Error('no run');
  expect(step?.step_details).toMatchObject({
    tool_calls: [
      { function: { name: 'weather', arguments: '{"city":"Rome 🦊"}' } },
      { function: { name: 'clock', arguments: '{}' } },
    ],
  });
  const answering = threads.runs.submitToolOutputsStream(run.id, {
    thread_id: run.thread_id,
    tool_outputs: outputsFor(run, 'dry'),
  });
  const [message] = await answering.finalMessages();
  expect(message?.content[0]).toMatchObject({ text: { value: expect.stringContaining('gave: dry') } });
});

test('wrong, missing and doubled outputs are refused, and the run goes on waiting', async () => {
  const { openai } = await start({ callTools: both });
  const { runs } = openai.beta.threads;
  const run = await openai.beta.threads.createAndRunPoll(FIRST);
  const { thread_id } = run;
  const [a, b] = outputsFor(run);
  if (a === undefined || b === undefined) throw new Error('no calls');
  const submit = (...tool_outputs: (typeof a)[]) =>
    runs.submitToolOutputs(run.id, { thread_id, tool_outputs, stream: true });
  const x = { tool_call_id: 'call_x', output: '' };
  for (const given of [[], [a], [a, a], [a, x], [a, b, x]]) {
    const got = given.map(({ tool_call_id }) => `'${tool_call_id}'`).join(', ');
    await expect(submit(...given)).rejects.toMatchObject({
      status: 400,
      error: {
        message: `Expected tool outputs for call_ids ['${a.tool_call_id}', '${b.tool_call_id}'], got [${got}]`,
        type: 'invalid_request_error',
        code: null,
      },
    });
  }
  expect((await runs.retrieve(run.id, { thread_id })).status).toBe('requires_action');
  await collect(await submit(a, b));
  await expect(submit(a, b)).rejects.toMatchObject({
    status: 400,
    error: { message: 'Runs in status "completed" do not accept tool outputs.' },
  });
  await expect(runs.submitToolOutputs('run_x', { thread_id, tool_outputs: [] })).rejects.toMatchObject({
    status: 404,
  });
});

test('a thread whose run waits for outputs is busy until that run is cancelled', async () => {
  const { openai } = await start({ callTools: both });
  const { threads } = openai.beta;
  const run = await threads.createAndRunPoll(FIRST);
  const { thread_id } = run;
  await expect(threads.runs.create(thread_id, RUN)).rejects.toThrow('already has an active run');
  await expect(threads.messages.create(thread_id, hello)).rejects.toThrow("Can't add messages");
  await threads.runs.cancel(run.id, { thread_id });
  const cancelled = await threads.runs.retrieve(run.id, { thread_id });
  expect(cancelled).toMatchObject({ status: 'cancelled', required_action: null });
  await expect(
    threads.runs.submitToolOutputs(run.id, { thread_id, tool_outputs: outputsFor(run) }),
  ).rejects.toThrow('Runs in status "cancelled" do not accept tool outputs.');
  const again = await threads.runs.createAndPoll(thread_id, { ...RUN, additional_messages: [hello] });
  expect(callsOf(again)).toHaveLength(2);
});

test('a run can be cancelled while it calls, and after it got its outputs', async () => {
  const { emulator, openai } = await start({ callTools: both });
  const { threads } = openai.beta;
  const { id: thread_id } = await threads.create({ messages: [hello] });
  emulator.fail({ on: 'runs', fault: { kind: 'hold', afterDeltas: 1 } });
  const calling = await threads.runs.create(thread_id, { ...RUN, stream: true });
  const [held] = (await threads.runs.list(thread_id)).data;
  await threads.runs.cancel(held?.id ?? '', { thread_id });
  expect(namesOf(await collect(calling)).at(-1)).toBe('thread.run.cancelled');

  const run = await threads.runs.createAndPoll(thread_id, RUN);
  emulator.fail({ on: 'runs.submit', fault: { kind: 'hold', afterDeltas: 1 } });
  const tool_outputs = outputsFor(run);
  const going = await threads.runs.submitToolOutputs(run.id, { thread_id, tool_outputs, stream: true });
  expect((await threads.runs.retrieve(run.id, { thread_id })).status).toBe('in_progress');
  await threads.runs.cancel(run.id, { thread_id });
  expect(namesOf(await collect(going)).at(-1)).toBe('thread.run.cancelled');
  await threads.messages.create(thread_id, hello);
});

test.for<[Fault['kind'], Fault, string]>([
  ['failed', { kind: 'failed' }, 'thread.run.failed'],
  ['expired', { kind: 'expired', afterDeltas: 1 }, 'thread.run.expired'],
  ['incomplete', { kind: 'incomplete', reason: 'max_output_tokens' }, 'thread.run.incomplete'],
  ['requires_action', { kind: 'requires_action' }, 'thread.run.requires_action'],
])('with outputs, too, a run can end otherwise: %s', async ([, fault, last]) => {
  const { emulator, openai } = await start({ callTools: both });
  const { runs } = openai.beta.threads;
  const run = await openai.beta.threads.createAndRunPoll(FIRST);
  const submit = async (given: Run) => {
    const { id, thread_id } = given;
    const tool_outputs = outputsFor(given);
    return collect(await runs.submitToolOutputs(id, { thread_id, tool_outputs, stream: true }));
  };
  emulator.fail({ on: 'runs.submit', fault });
  const events = await submit(run);
  expect(namesOf(events).at(-1)).toBe(last);
  if (fault.kind === 'requires_action') {
    const waiting = lastRun(events);
    expect(callsOf(waiting)).toMatchObject([{ function: { name: 'lookup' } }]);
    expect(namesOf(await submit(waiting)).at(-1)).toBe('thread.run.completed');
  }
});

test('calls are streamed with the faults of streams, too', async () => {
  const { emulator, openai } = await start({ callTools: both });
  const seen: Record<string, unknown> = {};
  for (const kind of ['failed', 'expired', 'cancelled', 'error-event', 'end-early'] as const) {
    emulator.fail({ on: 'runs', fault: { kind, ...(kind !== 'end-early' && { afterDeltas: 1 }) } });
    const stream = await openai.beta.threads.createAndRun({ ...FIRST, stream: true });
    const events: AssistantStreamEvent[] = [];
    try {
      for await (const event of stream) events.push(event);
    } catch (error) {
      seen[kind] = error instanceof Error && error.message;
    }
    seen[kind] ??= namesOf(events).slice(-2);
  }
  expect(seen).toEqual({
    failed: ['thread.run.step.failed', 'thread.run.failed'],
    expired: ['thread.run.step.expired', 'thread.run.expired'],
    cancelled: ['thread.run.cancelling', 'thread.run.cancelled'],
    'error-event': expect.stringContaining('server had an error'),
    'end-early': ['thread.run.step.in_progress', 'thread.run.step.delta'],
  });
});
