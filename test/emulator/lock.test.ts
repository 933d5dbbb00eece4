import { expect, test } from 'vitest';
import { collect, start } from './start.ts';

const LOCKED = {
  status: 400,
  error: {
    message: 'Another process is currently operating on this conversation. Please retry in a few seconds.',
    type: 'invalid_request_error',
    param: null,
    code: 'conversation_locked',
  },
};

test('a conversation takes one response at a time', async () => {
  const { emulator, openai } = await start();
  const { id } = await openai.conversations.create();
  const request = { model: 'm', conversation: id, input: 'Hello' };
  emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 2 } });
  const stream = await openai.responses.create({ ...request, stream: true });
  expect(emulator.inFlight).toBe(1);

  await expect(openai.responses.create(request)).rejects.toMatchObject(LOCKED);
  await expect(
    openai.conversations.items.create(id, { items: [{ role: 'user', content: 'x' }] }),
  ).rejects.toMatchObject(LOCKED);
  const other = await openai.conversations.create();
  await openai.responses.create({ ...request, conversation: other.id });

  emulator.release();
  expect((await collect(stream)).at(-1)?.type).toBe('response.completed');
  expect(emulator.inFlight).toBe(0);
  const next = await openai.responses.create(request);
  expect(next.output_text).toContain('message 2');
});

test('a reader who leaves mid-stream leaves the conversation locked until the answer is over and remembered', async () => {
  const { emulator, openai } = await start();
  const { id } = await openai.conversations.create();
  const request = { model: 'm', conversation: id, input: 'Hello' };
  emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 2 } });
  const left = emulator.nextAbort();
  const stream = await openai.responses.create({ ...request, stream: true });
  stream.controller.abort();
  await left;
  expect(emulator.aborted).toBe(1);
  await expect(openai.responses.create(request)).rejects.toMatchObject(LOCKED);

  emulator.release();
  await emulator.idle();
  const items = await collect(openai.conversations.items.list(id));
  expect(items).toHaveLength(2);
});

test('at a pace, too, the answer goes on when its reader has left', async () => {
  const { emulator, openai } = await start({ pace: 10 });
  const { id } = await openai.conversations.create();
  const left = emulator.nextAbort();
  const stream = await openai.responses.create({
    model: 'm',
    conversation: id,
    input: 'Hello',
    stream: true,
  });
  stream.controller.abort();
  await left;
  expect(emulator.inFlight).toBe(1);
  await emulator.idle();
  expect(await collect(openai.conversations.items.list(id))).toHaveLength(2);
});

test('an emulator can be told to give up an answer whose reader leaves', async () => {
  const { emulator, openai } = await start({ stopsWhenLeft: true });
  const { id } = await openai.conversations.create();
  emulator.fail({ on: 'responses', fault: { kind: 'hang-mid-stream' } });
  const left = emulator.nextAbort();
  const stream = await openai.responses.create({
    model: 'm',
    conversation: id,
    input: 'Hello',
    stream: true,
  });
  stream.controller.abort();
  await left;
  await emulator.idle();
  expect(await collect(openai.conversations.items.list(id))).toEqual([]);
});

test('a response that hangs locks its conversation until it is released', async () => {
  const { emulator, openai } = await start();
  const { id } = await openai.conversations.create();
  const request = { model: 'm', conversation: id, input: 'Hello' };
  for (const kind of ['hang-before-headers', 'hang-mid-stream'] as const) {
    const hung = emulator.fail({ on: 'responses', fault: { kind } });
    const controller = new AbortController();
    const came = emulator.next('responses');
    const left = emulator.nextAbort();
    const answer = openai.responses.create({ ...request, stream: true }, { signal: controller.signal });
    const over = answer.then(collect).catch(() => {});
    await came;
    controller.abort();
    await left;
    await over;
    await expect(openai.responses.create(request)).rejects.toMatchObject(LOCKED);
    hung.release();
    await openai.responses.create(request);
  }
});

test('a conversation can be deleted while a response is in flight', async () => {
  const { emulator, openai } = await start();
  const { id } = await openai.conversations.create();
  emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
  const stream = await openai.responses.create({ model: 'm', conversation: id, input: 'x', stream: true });
  await openai.conversations.delete(id);
  emulator.release();
  expect((await collect(stream)).at(-1)?.type).toBe('response.completed');
  await expect(openai.conversations.retrieve(id)).rejects.toMatchObject({ status: 404 });
});
