import { expect, test } from 'vitest';
import { collapse, collect, start } from './start.ts';

test('a response is complete, with its conversation, usage and what the request said', async () => {
  const { openai } = await start();
  const { id } = await openai.conversations.create();
  const response = await openai.responses.create({
    model: 'gpt-6-luna',
    conversation: id,
    input: 'Hello',
    instructions: 'Be kind.',
    max_output_tokens: 4096,
    truncation: 'auto',
    safety_identifier: 'visitor',
    metadata: { a: 'b' },
  });
  expect(response).toMatchObject({
    id: expect.stringMatching(/^resp_/),
    object: 'response',
    status: 'completed',
    model: 'gpt-6-luna',
    conversation: { id },
    instructions: 'Be kind.',
    max_output_tokens: 4096,
    truncation: 'auto',
    safety_identifier: 'visitor',
    metadata: { a: 'b' },
    error: null,
    incomplete_details: null,
  });
  expect(response.output_text).toContain('You said: "Hello". This is message 1 of our conversation.');
  expect(response.usage).toMatchObject({ input_tokens: expect.any(Number), output_tokens: 36 });
  const stored = await openai.responses.retrieve(response.id);
  expect(stored.output).toEqual(response.output);
});

test('a streamed response sends every event of the wire, in order and numbered', async () => {
  const { openai } = await start({ answer: () => 'One two  three.\nFour' });
  const stream = await openai.responses.create({ model: 'm', input: 'Hello', stream: true });
  const events = await collect(stream);
  expect(events.map(({ type }) => type)).toEqual([
    'response.created',
    'response.in_progress',
    'response.output_item.added',
    'response.content_part.added',
    'response.output_text.delta',
    'response.output_text.delta',
    'response.output_text.delta',
    'response.output_text.delta',
    'response.output_text.done',
    'response.content_part.done',
    'response.output_item.done',
    'response.completed',
  ]);
  expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
  const deltas = events.flatMap((event) =>
    event.type === 'response.output_text.delta' ? [event.delta] : [],
  );
  expect(deltas).toEqual(['One ', 'two  ', 'three.\n', 'Four']);
  const last = events.at(-1);
  expect(last).toMatchObject({
    type: 'response.completed',
    response: {
      status: 'completed',
      usage: { output_tokens: 4 },
      output: [{ type: 'message', status: 'completed', content: [{ text: 'One two  three.\nFour' }] }],
    },
  });
});

test('the SDK can put a stream together again', async () => {
  const { openai } = await start();
  const final = await openai.responses.stream({ model: 'm', input: 'Hello' }).finalResponse();
  expect(final.output_text).toContain('You said: "Hello".');
});

test('any text comes through whole: quotes, line ends, astral signs, a long word', async () => {
  const text = ` "q" \\ \u2028 \n\n 🦊👩‍👩‍👧 日本語 ${'x'.repeat(100_000)} end `;
  const { openai } = await start({ answer: () => text });
  const stream = await openai.responses.create({ model: 'm', input: 'Hello', stream: true });
  const events = await collect(stream);
  const deltas = events.flatMap((event) =>
    event.type === 'response.output_text.delta' ? [event.delta] : [],
  );
  expect(deltas.join('')).toBe(text);
});

test('an empty answer is a complete response without deltas', async () => {
  const { openai } = await start({ answer: () => '' });
  const stream = await openai.responses.create({ model: 'm', input: 'Hello', stream: true });
  const types = (await collect(stream)).map(({ type }) => type);
  expect(types).not.toContain('response.output_text.delta');
  expect(types.at(-1)).toBe('response.completed');
});

test('the answer is cut at max_output_tokens and says so', async () => {
  const { openai } = await start();
  const response = await openai.responses.create({ model: 'm', input: 'Hello', max_output_tokens: 2 });
  expect(response).toMatchObject({
    status: 'incomplete',
    incomplete_details: { reason: 'max_output_tokens' },
    usage: { output_tokens: 2 },
    output_text: 'You said: ',
  });
});

test('previous_response_id goes on where that response ended, and a response can be deleted', async () => {
  const { openai } = await start();
  const first = await openai.responses.create({ model: 'm', input: 'I am Ada' });
  const second = await openai.responses.create({
    model: 'm',
    input: 'What was my first message?',
    previous_response_id: first.id,
  });
  expect(second.output_text).toContain('"I am Ada"');
  expect(second.previous_response_id).toBe(first.id);

  await openai.responses.delete(first.id);
  await expect(openai.responses.retrieve(first.id)).rejects.toMatchObject({ status: 404 });
  await expect(
    openai.responses.create({ model: 'm', input: 'x', previous_response_id: first.id }),
  ).rejects.toMatchObject({ status: 400, code: 'previous_response_not_found' });
});

test('a response that is not stored cannot be asked for', async () => {
  const { openai } = await start();
  const response = await openai.responses.create({ model: 'm', input: 'Hello', store: false });
  await expect(openai.responses.retrieve(response.id)).rejects.toMatchObject({ status: 404 });
});

test('a background response is answered at once, goes on alone and can be cancelled', async () => {
  const { emulator, openai } = await start();
  emulator.fail({ on: 'responses', fault: { kind: 'hold' }, times: 2 });
  const request = { model: 'm', input: 'Hello', background: true };
  const held = await openai.responses.create(request);
  const other = await openai.responses.create(request);
  expect(held.status).toBe('in_progress');
  expect((await openai.responses.cancel(held.id)).status).toBe('cancelled');
  expect(emulator.inFlight).toBe(1);
  emulator.release();
  expect(await openai.responses.retrieve(other.id)).toMatchObject({ status: 'completed' });
  expect(await openai.responses.retrieve(held.id)).toMatchObject({ status: 'cancelled', output: [] });
});

test('a response that is not in the background cannot be cancelled', async () => {
  const { openai } = await start();
  const { id } = await openai.responses.create({ model: 'm', input: 'Hello' });
  await expect(openai.responses.cancel(id)).rejects.toMatchObject({ status: 400 });
});

test('with a pace the answer comes word by word', async () => {
  const { emulator, openai } = await start({ pace: 5, answer: () => 'a b c d e f g h' });
  const began = performance.now();
  const times: number[] = [];
  const stream = await openai.responses.create({ model: 'm', input: 'Hello', stream: true });
  for await (const event of stream) {
    if (event.type === 'response.output_text.delta') times.push(performance.now() - began);
  }
  expect(times).toHaveLength(8);
  expect(times.at(-1)).toBeGreaterThan(8 * 5 - 8);
  expect(new Set(times.map((time) => Math.floor(time))).size).toBeGreaterThan(3);

  emulator.pace = 0;
  const all = await collect(await openai.responses.create({ model: 'm', input: 'Hello', stream: true }));
  expect(collapse(all.map(({ type }) => type))).toContain('response.completed');
});

test('with a pace an answer that is not streamed takes as long', async () => {
  const { openai } = await start({ pace: 5, answer: () => 'a b c d e f g h' });
  const began = performance.now();
  await openai.responses.create({ model: 'm', input: 'Hello' });
  expect(performance.now() - began).toBeGreaterThan(8 * 5 - 2);
});

test('a body of the wrong shape is refused in words that name the field', async () => {
  const { openai } = await start();
  await expect(openai.post('/responses', { body: { model: 3, input: 'x' } })).rejects.toMatchObject({
    status: 400,
    param: 'model',
    type: 'invalid_request_error',
  });
  await expect(openai.responses.create({ input: 'x' })).rejects.toMatchObject({
    status: 400,
    code: 'missing_required_parameter',
    param: 'model',
  });
  const { id } = await openai.conversations.create();
  await expect(
    openai.responses.create({ model: 'm', input: 'x', conversation: id, previous_response_id: 'resp_1' }),
  ).rejects.toMatchObject({ status: 400, code: 'mutually_exclusive_parameters' });
});
