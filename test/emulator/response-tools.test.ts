import type { OpenAI } from 'openai';
import { expect, test } from 'vitest';
import type { ToolTurn } from '../../emulator/tools.ts';
import { collapse, collect, start } from './start.ts';
import { both, clock, inRounds, RESPONSE_TOOLS, weather } from './tools.ts';

type Response = OpenAI.Responses.Response;

const TOLD = { model: 'm', tools: RESPONSE_TOOLS };
const ASK = { ...TOLD, input: 'How is it?' };

const callsOf = ({ output }: Pick<Response, 'output'>) =>
  output.flatMap((item) => (item.type === 'function_call' ? item : []));

/** Outputs for all calls of a response, as the next request's input. */
const outputsFor = (response: Response, ...outputs: string[]) =>
  callsOf(response).map(({ call_id }, index) => ({
    type: 'function_call_output' as const,
    call_id,
    output: outputs[index] ?? 'fine',
  }));

test('a function call is an item of the response, and the conversation goes on with its output', async () => {
  const { emulator, openai } = await start({ callTools: inRounds([weather('Rome')]) });
  const { id: conversation } = await openai.conversations.create();
  const asked = await openai.responses.create({ ...ASK, conversation });
  expect(asked).toMatchObject({
    status: 'completed',
    output_text: '',
    tools: RESPONSE_TOOLS,
    output: [
      {
        type: 'function_call',
        id: expect.stringMatching(/^fc_/),
        call_id: expect.stringMatching(/^call_/),
        name: 'weather',
        arguments: '{"city":"Rome"}',
        status: 'completed',
      },
    ],
  });
  expect((await openai.responses.retrieve(asked.id)).output).toEqual(asked.output);

  const input = outputsFor(asked, '"21 °C"\n, dry');
  const answered = await openai.responses.create({ ...TOLD, conversation, input });
  expect(answered.output_text).toContain('You said: "How is it?". This is message 1 of our conversation.');
  expect(answered.output_text).toContain('The function weather gave: "21 °C"\n, dry');
  expect(emulator.requests.at(-1)?.body).toMatchObject({ conversation, input });

  const next = await openai.responses.create({ ...TOLD, conversation, input: 'Thanks' });
  expect(callsOf(next)).toHaveLength(1);
});

test('parallel calls are several items, streamed with every event of the wire', async () => {
  const { openai } = await start({ callTools: both });
  const stream = await openai.responses.create({ ...ASK, stream: true });
  const events = await collect(stream);
  expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
  const one = [
    'response.output_item.added',
    'response.function_call_arguments.delta',
    'response.function_call_arguments.done',
    'response.output_item.done',
  ];
  const types = collapse(events.map(({ type }) => type));
  expect(types).toEqual(['response.created', 'response.in_progress', ...one, ...one, 'response.completed']);

  const streamed = ['', ''];
  for (const event of events) {
    if (event.type === 'response.function_call_arguments.delta') {
      streamed[event.output_index] += event.delta;
    }
  }
  expect(streamed).toEqual(['{"city":"Rome 🦊"}', '{}']);
  const last = events.at(-1);
  if (last?.type !== 'response.completed') throw new Error('not completed');
  const done = events.flatMap((event) => (event.type === 'response.output_item.done' ? event.item : []));
  expect(done).toEqual(last.response.output);
  expect(callsOf(last.response).map((call) => [call.name, call.arguments])).toEqual([
    ['weather', '{"city":"Rome 🦊"}'],
    ['clock', '{}'],
  ]);
});

test('the SDK puts streamed calls together, and previous_response_id goes on with all outputs', async () => {
  const { openai } = await start({ callTools: both });
  const asked = await openai.responses.stream(ASK).finalResponse();
  const input = outputsFor(asked, 'dry', 'noon').toReversed();
  const answered = await openai.responses.create({ ...TOLD, previous_response_id: asked.id, input });
  expect(answered.output_text).toContain('The function clock gave: noon The function weather gave: dry');
});

test('functions can be called round after round, and the model is told how far it is', async () => {
  const turns: Pick<ToolTurn, 'round' | 'message' | 'tools' | 'outputs'>[] = [];
  const { emulator, openai } = await start();
  const rounds = inRounds([weather('Rome')], [weather('Oslo'), clock]);
  emulator.callTools = (turn) => {
    const { round, message, tools, outputs } = turn;
    turns.push({ round, message, tools, outputs });
    return rounds(turn);
  };
  const { id: conversation } = await openai.conversations.create();
  const first = await openai.responses.create({ ...ASK, conversation });
  const second = await openai.responses.create({ ...TOLD, conversation, input: outputsFor(first, 'A') });
  const third = await openai.responses.create({ ...TOLD, conversation, input: outputsFor(second, 'B', 'C') });
  expect(third.output_text).toContain(
    'weather gave: A The function weather gave: B The function clock gave: C',
  );
  const output = (name: string, given: object, text: string) => ({
    callId: expect.stringMatching(/^call_/),
    name,
    arguments: JSON.stringify(given),
    output: text,
  });
  const outputs = [
    output('weather', { city: 'Rome' }, 'A'),
    output('weather', { city: 'Oslo' }, 'B'),
    output('clock', {}, 'C'),
  ];
  const told = { message: 'How is it?', tools: ['weather', 'clock'] };
  expect(turns).toEqual([
    { ...told, round: 0, outputs: [] },
    { ...told, round: 1, outputs: outputs.slice(0, 1) },
    { ...told, round: 2, outputs },
  ]);
  await openai.responses.create({ ...ASK, conversation });
  expect(turns.at(-1)).toMatchObject({ round: 0, outputs: [] });
});

test('unanswered calls refuse a plain message, one after the other, until their outputs come along', async () => {
  const { openai } = await start({ callTools: both });
  const { id: conversation } = await openai.conversations.create();
  const asked = await openai.responses.create({ ...ASK, conversation });
  const calls = callsOf(asked);
  const outputs = outputsFor(asked);
  const again = (input: OpenAI.Responses.ResponseInput | string) =>
    openai.responses.create({ ...TOLD, conversation, input });
  const missing = (index: number) => ({
    status: 400,
    error: {
      message: `No tool output found for function call ${calls[index]?.call_id}.`,
      type: 'invalid_request_error',
      param: 'input',
      code: null,
    },
  });
  await expect(again('Hello?')).rejects.toMatchObject(missing(0));
  await expect(again(outputs.slice(0, 1))).rejects.toMatchObject(missing(1));
  await expect(
    openai.responses.create({ ...TOLD, previous_response_id: asked.id, input: 'Hello?' }),
  ).rejects.toMatchObject(missing(0));
  await expect(
    again([...outputs, { type: 'function_call_output', call_id: 'call_x', output: '' }]),
  ).rejects.toMatchObject({
    status: 400,
    error: {
      message: 'No tool call found for function call output with call_id call_x.',
      type: 'invalid_request_error',
      code: null,
    },
  });
  const late = await again([...outputs, { role: 'user', content: 'Hello?' }]);
  expect(late.output_text).toContain('You said: "Hello?". This is message 2');
  expect(late.output_text).toContain('The function weather gave: fine');
});

test('calls and outputs are items of the conversation, and can be given and deleted as such', async () => {
  const { openai } = await start({ callTools: () => [clock] });
  const { id } = await openai.conversations.create({
    items: [
      { role: 'user', content: 'Hi' },
      { type: 'function_call', call_id: 'call_1', name: 'weather', arguments: '{}' },
    ],
  });
  const { items } = openai.conversations;
  await expect(openai.responses.create({ ...ASK, conversation: id })).rejects.toThrow('call_1');
  const [output] = (
    await items.create(id, {
      items: [
        { type: 'function_call_output', call_id: 'call_1', output: [{ type: 'input_text', text: 'dry' }] },
      ],
    })
  ).data;
  expect(output).toEqual({
    id: expect.stringMatching(/^fco_/),
    type: 'function_call_output',
    status: 'completed',
    call_id: 'call_1',
    output: 'dry',
  });
  await openai.responses.create({ ...ASK, conversation: id });
  const listed = await collect(items.list(id, { order: 'asc' }));
  expect(listed.map(({ type }) => type)).toEqual([
    'message',
    'function_call',
    'function_call_output',
    'message',
    'function_call',
  ]);
  const call = listed.at(-1);
  if (call?.type !== 'function_call') throw new Error('no call');
  expect(await items.retrieve(call.id, { conversation_id: id })).toEqual(call);
  await items.delete(call.id, { conversation_id: id });
  const next = await openai.responses.create({
    model: 'm',
    conversation: id,
    input: 'What did I say first?',
  });
  expect(next.output_text).toContain('The first thing you said was: "Hi". This is message 3');
});

test('no function is called that was not offered, and only one where that was asked for', async () => {
  const { openai } = await start({ callTools: both });
  const without = await openai.responses.create({ model: 'm', input: 'Hello' });
  const none = await openai.responses.create({ ...ASK, tool_choice: 'none' });
  const one = await openai.responses.create({ ...ASK, parallel_tool_calls: false });
  expect([without, none, one].map((response) => callsOf(response).length)).toEqual([0, 0, 1]);
  await expect(
    openai.post('/responses', { body: { ...ASK, tools: [{ type: 'function', function: { name: 'x' } }] } }),
  ).rejects.toMatchObject({ status: 400, param: 'tools[0].name', code: 'missing_required_parameter' });
});

test('the stateless way: all calls and outputs come with the request', async () => {
  const { openai } = await start({ callTools: inRounds([clock]) });
  const user = { role: 'user' as const, content: 'When?' };
  const asked = await openai.responses.create({ ...TOLD, input: [user], store: false });
  const input = [user, ...callsOf(asked), ...outputsFor(asked, 'noon')];
  const answered = await openai.responses.create({ ...TOLD, input, store: false });
  expect(answered.output_text).toContain('The function clock gave: noon');
});
