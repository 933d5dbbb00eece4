import { expect, test } from 'vitest';
import { collect, start } from './start.ts';

const messages = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ role: 'user' as const, content: `message ${index}` }));

test('a conversation is made, shown, renamed and deleted', async () => {
  const { openai } = await start();
  const made = await openai.conversations.create({ metadata: { visitor: 'v1' } });
  expect(made).toEqual({
    id: expect.stringMatching(/^conv_[0-9a-f]{32}$/),
    object: 'conversation',
    created_at: expect.any(Number),
    metadata: { visitor: 'v1' },
  });
  expect(await openai.conversations.retrieve(made.id)).toEqual(made);
  const renamed = await openai.conversations.update(made.id, { metadata: { visitor: 'v2' } });
  expect(renamed.metadata).toEqual({ visitor: 'v2' });
  expect(await openai.conversations.delete(made.id)).toEqual({
    id: made.id,
    object: 'conversation.deleted',
    deleted: true,
  });
  await expect(openai.conversations.retrieve(made.id)).rejects.toMatchObject({
    status: 404,
    error: {
      message: `Conversation with id '${made.id}' not found.`,
      type: 'invalid_request_error',
      param: null,
      code: null,
    },
  });
});

test('items are listed page by page, newest first or oldest first, shown and deleted', async () => {
  const { openai } = await start();
  const { id } = await openai.conversations.create({ items: messages(3) });
  const added = await openai.conversations.items.create(id, {
    items: [
      {
        role: 'assistant',
        content: [{ type: 'output_text', text: 'said', annotations: [] }],
        type: 'message',
        id: 'x',
        status: 'completed',
      },
      { role: 'developer', content: [{ type: 'input_text', text: 'be brief' }] },
    ],
  });
  expect(added.data).toEqual([
    expect.objectContaining({
      role: 'assistant',
      content: [{ type: 'output_text', text: 'said', annotations: [], logprobs: [] }],
    }),
    expect.objectContaining({ role: 'developer', content: [{ type: 'input_text', text: 'be brief' }] }),
  ]);

  const oldestFirst = await collect(openai.conversations.items.list(id, { order: 'asc', limit: 2 }));
  const newestFirst = await collect(openai.conversations.items.list(id, { limit: 2 }));
  expect(oldestFirst).toHaveLength(5);
  expect(newestFirst).toEqual([...oldestFirst].reverse());

  const [first] = oldestFirst;
  if (first?.id === undefined || first.id === null) throw new Error('an item without id');
  expect(await openai.conversations.items.retrieve(first.id, { conversation_id: id })).toEqual(first);
  await openai.conversations.items.delete(first.id, { conversation_id: id });
  await expect(openai.conversations.items.retrieve(first.id, { conversation_id: id })).rejects.toMatchObject({
    status: 404,
  });
});

test('at most 20 items are accepted per call', async () => {
  const { openai } = await start();
  const { id } = await openai.conversations.create({ items: messages(20) });
  await openai.conversations.items.create(id, { items: messages(20) });
  const refusal = { status: 400, code: 'array_above_max_length', param: 'items' };
  await expect(openai.conversations.create({ items: messages(21) })).rejects.toMatchObject(refusal);
  await expect(openai.conversations.items.create(id, { items: messages(21) })).rejects.toMatchObject(refusal);
  const page = await openai.conversations.items.list(id, { limit: 100 });
  expect(page.data).toHaveLength(40);
});

test('what is told by items is remembered', async () => {
  const { openai } = await start();
  const { id } = await openai.conversations.create({ items: [{ role: 'user', content: 'I like tea' }] });
  const answer = await openai.responses.create({
    model: 'm',
    conversation: id,
    input: 'What did I say first?',
  });
  expect(answer.output_text).toBe(
    'The first thing you said was: "I like tea". This is message 2 of our conversation.',
  );
});
