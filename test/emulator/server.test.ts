import { expect, test } from 'vitest';
import { createEmulator } from '../../emulator/server.ts';
import { collect, failureOf, start } from './start.ts';

const REQUEST = { model: 'm', input: 'Hello' };

test('calls are counted and the last requests remembered, without their secrets', async () => {
  const { emulator, openai } = await start({ record: 2, apiKey: 'sk-secret' });
  await openai.models.list();
  const { id } = await openai.conversations.create();
  await openai.responses.create({ ...REQUEST, conversation: id }, { headers: { 'x-tag': 'a' } });
  expect(emulator.calls).toMatchObject({ models: 1, conversations: 1, responses: 1, runs: 0, total: 3 });
  expect(emulator.requests.map(({ endpoint }) => endpoint)).toEqual(['conversations', 'responses']);
  expect(emulator.requests[1]).toMatchObject({
    method: 'POST',
    path: '/v1/responses',
    headers: { 'x-tag': 'a', authorization: '[secret]' },
    body: { ...REQUEST, conversation: id },
  });
  expect(JSON.stringify(emulator.requests)).not.toContain('sk-secret');
});

test('a key can be demanded', async () => {
  const { emulator, openai } = await start({ apiKey: 'right' });
  await openai.responses.create(REQUEST);
  const wrong = openai.withOptions({ apiKey: 'wrong' });
  await expect(wrong.responses.create(REQUEST)).rejects.toMatchObject({
    status: 401,
    code: 'invalid_api_key',
  });
  expect(emulator.calls.responses).toBe(2);
});

test('models are listed and shown with the day they go; any model is served unless a list was given', async () => {
  const { openai } = await start({ models: [{ id: 'a' }, { id: 'b', shutdown_date: '2027-01-14' }] });
  const models = await collect(openai.models.list());
  expect(models.map(({ id, shutdown_date: gone }) => [id, gone])).toEqual([
    ['a', undefined],
    ['b', '2027-01-14'],
  ]);
  expect(await openai.models.retrieve('b')).toEqual(models[1]);
  await expect(openai.models.retrieve('c')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
  await expect(openai.responses.create({ ...REQUEST, model: 'c' })).rejects.toMatchObject({
    status: 404,
    code: 'model_not_found',
  });
});

test.for([
  ['GET', '/nowhere', undefined, 404, null],
  ['GET', '/responses', undefined, 405, null],
  ['POST', '/responses', '{"model": ', 400, null],
  ['POST', '/responses', '[]', 400, null],
  ['POST', '/chat/completions', '{"model": "m", "messages": [{}]}', 400, 'messages[0].role'],
  ['POST', '/conversations', `"${'x'.repeat(5 * 1024 * 1024)}"`, 413, null],
  ['GET', '/conversations/%E0%A4%A', undefined, 404, null],
] as const)('%s %s is refused in the shape of OpenAI', async ([method, path, body, status, param]) => {
  const { emulator } = await start();
  const answer = await fetch(emulator.url + path, { method, ...(body !== undefined && { body }) });
  expect(answer.status).toBe(status);
  expect(await answer.json()).toEqual({
    error: {
      message: expect.any(String),
      type: 'invalid_request_error',
      param,
      code: expect.toSatisfy((code) => code === null || typeof code === 'string'),
    },
  });
});

test('the longest unused threads are forgotten beyond the limit, but not those in flight', async () => {
  const { emulator, openai } = await start({ maxThreads: 3 });
  const held = await openai.conversations.create();
  emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
  const stream = await openai.responses.create({ ...REQUEST, conversation: held.id, stream: true });
  const used = await openai.conversations.create();
  const unused = await openai.beta.threads.create();
  await openai.conversations.retrieve(used.id);
  await openai.conversations.create();

  expect(emulator.threads).toBe(3);
  await openai.conversations.retrieve(used.id);
  await expect(openai.beta.threads.retrieve(unused.id)).rejects.toMatchObject({ status: 404 });
  emulator.release();
  expect((await collect(stream)).at(-1)?.type).toBe('response.completed');
});

test('of a thread the last 200 messages are remembered, and still what was said first and how much', async () => {
  const { openai } = await start();
  const { id } = await openai.conversations.create();
  for (let call = 0; call < 15; call += 1) {
    const items = Array.from({ length: 20 }, (_, index) => ({
      role: 'user' as const,
      content: `message ${call * 20 + index}`,
    }));
    await openai.conversations.items.create(id, { items });
  }
  const items = await collect(openai.conversations.items.list(id, { limit: 100 }));
  expect(items).toHaveLength(200);
  const { output_text: answer } = await openai.responses.create({
    model: 'm',
    conversation: id,
    input: 'Which was my first message?',
  });
  expect(answer).toBe('The first thing you said was: "message 0". This is message 301 of our conversation.');
});

test('a thread can be deleted from outside, and everything can be forgotten', async () => {
  const { emulator, openai } = await start();
  const { id } = await openai.conversations.create();
  expect(emulator.deleteThread(id)).toBe(true);
  expect(emulator.deleteThread(id)).toBe(false);
  await expect(openai.conversations.retrieve(id)).rejects.toMatchObject({ status: 404 });

  const other = await openai.conversations.create();
  emulator.fail({ on: 'responses', fault: { kind: 'hang-before-headers' } });
  const came = emulator.next('responses');
  const failure = failureOf(openai.responses.create({ ...REQUEST, conversation: other.id }));
  await came;
  emulator.forgetEverything();
  expect(await failure).toBeInstanceOf(Error);
  expect(emulator.inFlight).toBe(0);
  await expect(openai.conversations.retrieve(other.id)).rejects.toMatchObject({ status: 404 });
  expect(emulator.calls.conversations).toBe(2);

  emulator.fail({ on: 'responses', fault: { kind: 'status', status: 500 } });
  emulator.reset();
  expect(emulator.calls.total).toBe(0);
  await openai.responses.create(REQUEST);
});

test('many answers at a pace end together', async () => {
  const { emulator, openai } = await start({ pace: 2, answer: () => 'a b c d e' });
  const all = await Promise.all(
    Array.from({ length: 100 }, async () =>
      collect(await openai.responses.create({ ...REQUEST, stream: true })),
    ),
  );
  expect(all.every((events) => events.at(-1)?.type === 'response.completed')).toBe(true);
  expect(emulator.inFlight).toBe(0);
});

test('an emulator closes at once, with answers in flight, and as often as one likes', async () => {
  const { emulator, openai } = await start();
  emulator.fail({ on: 'responses', fault: { kind: 'hang-before-headers' } });
  const came = emulator.next();
  const failure = failureOf(openai.responses.create(REQUEST));
  await came;
  await emulator.close();
  await emulator.close();
  expect(await failure).toBeInstanceOf(Error);
});

test('a port that is in use fails the start', async () => {
  const { emulator } = await start();
  await expect(createEmulator({ port: emulator.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
