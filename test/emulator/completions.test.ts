import { APIError } from 'openai';
import { expect, test } from 'vitest';
import { collect, collectUntilError, start } from './start.ts';

const request = (...told: string[]) => ({
  model: 'm',
  messages: told.map((content) => ({ role: 'user' as const, content })),
});

test('a completion is one object with its usage', async () => {
  const { openai } = await start();
  const completion = await openai.chat.completions.create(request('I am Ada', 'what did I say first?'));
  expect(completion).toMatchObject({
    id: expect.stringMatching(/^chatcmpl_/),
    object: 'chat.completion',
    model: 'm',
    choices: [
      {
        finish_reason: 'stop',
        message: { role: 'assistant', content: expect.stringContaining('"I am Ada"'), refusal: null },
      },
    ],
    usage: { prompt_tokens: 8, completion_tokens: 16, total_tokens: 24 },
  });
});

test('streamed, it comes word by word; usage only where it was asked for', async () => {
  const { openai } = await start({ answer: () => 'One two' });
  const plain = await collect(await openai.chat.completions.create({ ...request('Hello'), stream: true }));
  expect(plain.map(({ choices: [choice] }) => [choice?.delta.content, choice?.finish_reason])).toEqual([
    ['', null],
    ['One ', null],
    ['two', null],
    [undefined, 'stop'],
  ]);
  expect(plain.every((chunk) => !('usage' in chunk))).toBe(true);

  const asked = await openai.chat.completions.create({
    ...request('Hello'),
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks = await collect(asked);
  expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 2 } });
  expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
});

test('system messages, parts and answers are told; what functions of old said is passed over', async () => {
  const seen: unknown[] = [];
  const { openai } = await start({
    answer: ({ message, number, first, instructions, messages }) => {
      seen.push({ message, number, first, instructions, roles: messages.map(({ role }) => role) });
      return 'ok';
    },
  });
  await openai.chat.completions.create({
    model: 'm',
    messages: [
      { role: 'system', content: 'Be kind.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
      { role: 'assistant', content: 'c' },
      { role: 'function', name: 'old', content: 'x' },
      { role: 'user', content: 'd' },
    ],
  });
  expect(seen).toEqual([
    {
      message: 'd',
      number: 2,
      first: 'ab',
      instructions: 'Be kind.',
      roles: ['system', 'user', 'assistant', 'user'],
    },
  ]);
});

test.for([
  ['max_output_tokens', 'length'],
  ['content_filter', 'content_filter'],
] as const)('incomplete by %s ends with finish_reason %s', async ([reason, finish]) => {
  const { emulator, openai } = await start();
  emulator.fail({ on: 'completions', fault: { kind: 'incomplete', reason }, times: 2 });
  const { choices } = await openai.chat.completions.create(request('Hello'));
  expect(choices[0]?.finish_reason).toBe(finish);
  const chunks = await collect(await openai.chat.completions.create({ ...request('Hello'), stream: true }));
  expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe(finish);
});

test('the limit on the answer cuts it', async () => {
  const { openai } = await start();
  const { choices } = await openai.chat.completions.create({ ...request('Hello'), max_completion_tokens: 2 });
  expect(choices[0]).toMatchObject({ finish_reason: 'length', message: { content: 'You said: ' } });
});

test('a refusal is a refusal here, too', async () => {
  const { emulator, openai } = await start();
  emulator.fail({ on: 'completions', fault: { kind: 'refusal' }, times: 2 });
  const { choices } = await openai.chat.completions.create(request('Hello'));
  expect(choices[0]?.message).toMatchObject({ content: null, refusal: expect.stringContaining('sorry') });
  const chunks = await collect(await openai.chat.completions.create({ ...request('Hello'), stream: true }));
  expect(chunks.map((chunk) => chunk.choices[0]?.delta.refusal ?? '').join('')).toContain('sorry');
});

test('a failure mid-stream is an error line, which the SDK throws', async () => {
  const { emulator, openai } = await start();
  emulator.fail({ on: 'completions', fault: { kind: 'failed', afterDeltas: 1 }, times: 2 });
  await expect(openai.chat.completions.create(request('Hello'))).rejects.toMatchObject({ status: 500 });
  const stream = await openai.chat.completions.create({ ...request('Hello'), stream: true });
  const { all, error } = await collectUntilError(stream);
  expect(all).toHaveLength(2);
  expect(error).toBeInstanceOf(APIError);
  expect(error).toMatchObject({ code: 'server_error' });
});

test('a completion is given up when its reader leaves', async () => {
  const { emulator, openai } = await start();
  emulator.fail({ on: 'completions', fault: { kind: 'hang-mid-stream' } });
  const left = emulator.nextAbort();
  const stream = await openai.chat.completions.create({ ...request('Hello'), stream: true });
  expect(emulator.inFlight).toBe(1);
  stream.controller.abort();
  await left;
  await emulator.idle();
  expect(emulator.inFlight).toBe(0);
});
