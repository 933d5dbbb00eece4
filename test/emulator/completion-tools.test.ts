import type { OpenAI } from 'openai';
import { expect, test } from 'vitest';
import { collect, start } from './start.ts';
import { both, CHAT_TOOLS, clock, inRounds, weather } from './tools.ts';

type Message = OpenAI.ChatCompletionMessageParam;

const user: Message = { role: 'user', content: 'How is it?' };
const request = (...messages: Message[]) => ({
  model: 'm',
  tools: CHAT_TOOLS,
  messages: [user, ...messages],
});
const called = (...ids: string[]): Message => ({
  role: 'assistant',
  content: null,
  tool_calls: ids.map((id) => ({ id, type: 'function', function: { name: 'clock', arguments: '{}' } })),
});
const gave = (tool_call_id: string, content = 'noon'): Message => ({ role: 'tool', tool_call_id, content });

test('a function call is asked for and answered on', async () => {
  const { emulator, openai } = await start({ callTools: inRounds([weather('Rome')]) });
  const asked = await openai.chat.completions.create(request());
  expect(asked.choices).toMatchObject([
    {
      finish_reason: 'tool_calls',
      message: {
        role: 'assistant',
        content: null,
        tool_calls: [
          {
            id: expect.stringMatching(/^call_/),
            type: 'function',
            function: { name: 'weather', arguments: '{"city":"Rome"}' },
          },
        ],
      },
    },
  ]);
  const message = asked.choices[0]?.message;
  const id = message?.tool_calls?.[0]?.id;
  if (message === undefined || id === undefined) throw new Error('no call');
  const next = request(message, gave(id, '"21 °C"'));
  const answered = await openai.chat.completions.create(next);
  expect(answered.choices[0]).toMatchObject({
    finish_reason: 'stop',
    message: { content: expect.stringContaining('The function weather gave: "21 °C"') },
  });
  expect(emulator.requests.at(-1)?.body).toEqual(next);
});

test('streamed, calls come in pieces, each with its index, its id once', async () => {
  const { openai } = await start({ callTools: both });
  const options = { stream: true, stream_options: { include_usage: true } } as const;
  const chunks = await collect(await openai.chat.completions.create({ ...request(), ...options }));
  expect(chunks[0]?.choices[0]?.delta).toEqual({ role: 'assistant', content: null, refusal: null });
  const deltas = chunks.flatMap(({ choices: [choice] }) => choice?.delta.tool_calls ?? []);
  expect(deltas.map(({ index, id, function: part }) => [index, id, part?.name, part?.arguments])).toEqual([
    [0, expect.stringMatching(/^call_/), 'weather', ''],
    [0, undefined, undefined, '{"city":'],
    [0, undefined, undefined, '"Rome 🦊"}'.slice(0, 9)],
    [0, undefined, undefined, '}'],
    [1, expect.stringMatching(/^call_/), 'clock', ''],
    [1, undefined, undefined, '{}'],
  ]);
  expect(chunks.at(-2)?.choices[0]).toMatchObject({ delta: {}, finish_reason: 'tool_calls' });
  expect(chunks.at(-1)?.usage).toMatchObject({ completion_tokens: 4 });

  const final = await openai.chat.completions.stream(request()).finalChatCompletion();
  expect(
    final.choices[0]?.message.tool_calls?.map((call) => call.type === 'function' && call.function),
  ).toEqual([
    expect.objectContaining({ name: 'weather', arguments: '{"city":"Rome 🦊"}' }),
    expect.objectContaining({ name: 'clock', arguments: '{}' }),
  ]);
});

test("the SDK's own runner goes through several rounds", async () => {
  const { openai } = await start({ callTools: inRounds([weather('Rome'), clock], [weather('Oslo')]) });
  const asked: string[] = [];
  const tool = (name: string) => ({
    type: 'function' as const,
    function: {
      name,
      description: name,
      parameters: { type: 'object' },
      function: (given: string) => {
        asked.push(name + given);
        return `${name} ${asked.length}`;
      },
    },
  });
  const runner = openai.chat.completions.runTools({
    model: 'm',
    messages: [user],
    tools: [tool('weather'), tool('clock')],
    stream: true,
  });
  expect(await runner.finalContent()).toContain(
    'The function weather gave: weather 1 The function clock gave: clock 2 The function weather gave: weather 3',
  );
  expect(asked).toEqual(['weather{"city":"Rome"}', 'clock{}', 'weather{"city":"Oslo"}']);
});

const UNANSWERED =
  "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ";
const UNCALLED =
  "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
const NOT_FOUND = "Invalid parameter: 'tool_call_id' of 'x' not found in 'tool_calls' of previous message.";

test.for<[string, Message[], string, string]>([
  ['no output', [called('a', 'b')], `${UNANSWERED}a, b`, 'messages.[1].role'],
  ['one of two', [called('a', 'b'), gave('b')], `${UNANSWERED}a`, 'messages.[2].role'],
  ['a message between', [called('a'), user, gave('a')], `${UNANSWERED}a`, 'messages.[2].role'],
  ['an output of nothing', [gave('a')], UNCALLED, 'messages.[1].role'],
  ['an output too late', [called('a'), gave('a'), user, gave('a')], UNCALLED, 'messages.[4].role'],
  ['another output', [called('a'), gave('x')], NOT_FOUND, 'messages.[2].tool_call_id'],
])('%s is refused', async ([, messages, message, param]) => {
  const { openai } = await start();
  await expect(openai.chat.completions.create(request(...messages))).rejects.toMatchObject({
    status: 400,
    error: { message, param, type: 'invalid_request_error', code: null },
  });
});

test('an exchange that is over is no progress of the next one', async () => {
  const rounds: number[] = [];
  const { emulator, openai } = await start();
  emulator.callTools = ({ round, outputs }) => {
    rounds.push(round, outputs.length);
    return [];
  };
  const over: Message[] = [called('a', 'b'), gave('b'), gave('a')];
  await openai.chat.completions.create(request(...over));
  await openai.chat.completions.create(request(...over, { role: 'assistant', content: 'It is.' }, user));
  expect(rounds).toEqual([1, 2, 0, 0]);
});

test('an answer that is cut off mid-call says so', async () => {
  const { openai } = await start({ callTools: both });
  const { choices } = await openai.chat.completions.create({ ...request(), max_completion_tokens: 1 });
  expect(choices[0]).toMatchObject({
    finish_reason: 'length',
    message: { tool_calls: [{ function: { arguments: '{"city":' } }] },
  });
});
