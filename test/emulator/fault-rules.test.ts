import { expect, test } from 'vitest';
import { collect, collectUntilError, start } from './start.ts';

const REQUEST = { model: 'm', input: 'Hello' };

test('what is spoiled on its way is generated and remembered; what failed is not', async () => {
  const { emulator, openai } = await start();
  const { id } = await openai.conversations.create();
  for (const kind of ['cut', 'end-early', 'malformed-sse', 'failed', 'error-event'] as const) {
    emulator.fail({ on: 'responses', fault: { kind } });
    const stream = await openai.responses.create({ model: 'm', conversation: id, input: kind, stream: true });
    await collectUntilError(stream);
    await emulator.idle();
  }
  const items = await collect(openai.conversations.items.list(id, { order: 'asc' }));
  const told = items.flatMap((item) => (item.type === 'message' && item.role === 'user' ? item.content : []));
  expect(told.map((part) => part.type === 'input_text' && part.text)).toEqual([
    'cut',
    'end-early',
    'malformed-sse',
  ]);
});

test('answers that are not streamed fail in the way that comes nearest', async () => {
  const { emulator, openai } = await start();
  const kinds = ['cut', 'end-early', 'malformed-sse', 'error-event'] as const;
  for (const kind of kinds) {
    emulator.fail({ on: 'responses', fault: { kind } });
    await expect(openai.responses.create(REQUEST), kind).rejects.toThrow();
  }
  emulator.fail({ on: 'responses', fault: { kind: 'failed' } });
  expect(await openai.responses.create(REQUEST)).toMatchObject({ status: 'failed' });
  emulator.fail({ on: 'conversations', fault: { kind: 'cut' } });
  await expect(openai.conversations.create()).rejects.toThrow();
});

test('a call that answers nothing by itself can be held, too', async () => {
  const { emulator, openai } = await start();
  const rule = emulator.fail({ on: 'conversations', fault: { kind: 'hold' } });
  const came = emulator.next('conversations');
  const making = openai.conversations.create();
  await came;
  expect(emulator.threads).toBe(0);
  rule.release();
  await making;
  expect(emulator.threads).toBe(1);
});

test('rules strike in the order in which they were set, where and as often as told, until removed', async () => {
  const { emulator, openai } = await start();
  const always = { times: Number.POSITIVE_INFINITY };
  const first = emulator.fail({ on: ['items', 'responses'], fault: { kind: 'status', status: 422 } });
  const then = emulator.fail({ on: 'responses', fault: { kind: 'status', status: 403 }, ...always });
  await openai.conversations.create();
  await expect(openai.responses.create(REQUEST)).rejects.toMatchObject({ status: 422 });
  await expect(openai.responses.create(REQUEST)).rejects.toMatchObject({ status: 403 });
  await expect(openai.responses.create(REQUEST)).rejects.toMatchObject({ status: 403 });
  expect([first.struck, then.struck]).toEqual([1, 2]);
  then.remove();
  await openai.responses.create(REQUEST);
});

test('a fault that cannot strike at a place is refused when it is set', async () => {
  const { emulator } = await start();
  expect(() => emulator.fail({ on: 'conversations', fault: { kind: 'refusal' } })).toThrow(RangeError);
});
