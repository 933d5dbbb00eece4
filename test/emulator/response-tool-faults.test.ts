import { expect, test } from 'vitest';
import { collect, collectUntilError, start } from './start.ts';
import { both, RESPONSE_TOOLS } from './tools.ts';

const ASK = { model: 'm', tools: RESPONSE_TOOLS, input: 'How is it?' };

test('calls that are cut off, spoiled or fail are remembered only where they were complete', async () => {
  const { emulator, openai } = await start({ callTools: both });
  const kinds = ['cut', 'end-early', 'malformed-sse', 'failed', 'error-event', 'commentary'] as const;
  const remembered: Record<string, number> = {};
  for (const kind of kinds) {
    const { id: conversation } = await openai.conversations.create();
    emulator.fail({ on: 'responses', fault: { kind } });
    const stream = await openai.responses.create({ ...ASK, conversation, stream: true });
    const { all } = await collectUntilError(stream);
    expect(all.map((event) => event.sequence_number)).toEqual(all.map((_, index) => index));
    await emulator.idle();
    remembered[kind] = (await openai.conversations.items.list(conversation)).data.length;
  }
  expect(remembered).toEqual({
    cut: 3,
    'end-early': 3,
    'malformed-sse': 3,
    failed: 0,
    'error-event': 0,
    commentary: 4,
  });
  const cut = await openai.responses.create({ ...ASK, max_output_tokens: 1 });
  expect(cut).toMatchObject({
    status: 'incomplete',
    output: [{ type: 'function_call', status: 'incomplete', arguments: '{"city":' }],
  });
});

test('outputs whose answer fails can be sent again', async () => {
  const { emulator, openai } = await start({ callTools: both });
  const { id: conversation } = await openai.conversations.create();
  const { output } = await openai.responses.create({ ...ASK, conversation });
  const input = output.flatMap((item) =>
    item.type === 'function_call'
      ? { type: 'function_call_output' as const, call_id: item.call_id, output: 'fine' }
      : [],
  );
  const submit = () => openai.responses.create({ ...ASK, conversation, input, stream: true });
  emulator.fail({ on: 'responses', fault: { kind: 'failed' } });
  expect((await collect(await submit())).at(-1)?.type).toBe('response.failed');
  await expect(openai.responses.create({ ...ASK, conversation })).rejects.toThrow('No tool output found');
  expect((await collect(await submit())).at(-1)?.type).toBe('response.completed');
});

test('a response that is cancelled while it calls leaves no call behind', async () => {
  const { emulator, openai } = await start({ callTools: both });
  const { id: conversation } = await openai.conversations.create();
  emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 1 } });
  const { id } = await openai.responses.create({ ...ASK, conversation, background: true });
  expect(await openai.responses.cancel(id)).toMatchObject({ status: 'cancelled', output: [] });
  expect(await openai.responses.create({ ...ASK, conversation })).toMatchObject({ status: 'completed' });
});

test('a wrong item is refused in words that name its place', async () => {
  const { openai } = await start();
  const refused = (item: object) => openai.post('/conversations', { body: { items: [item] } });
  await expect(refused({ role: 'nobody', content: '' })).rejects.toMatchObject({ param: 'items[0].role' });
  await expect(refused({ type: 'nothing' })).rejects.toMatchObject({ status: 400, param: 'items[0].type' });
  await expect(refused({ type: 'function_call_output', output: '' })).rejects.toMatchObject({
    param: 'items[0].call_id',
  });
});
