import { expect, test } from 'vitest';
import { start } from './start.ts';
import { CHAT_TOOLS, clock } from './tools.ts';

const hello = { role: 'user' as const, content: 'Hello' };

const WHOLE = {
  name: 'Ada',
  description: 'Knows the weather',
  model: 'gpt-6-luna',
  instructions: 'Be kind.',
  tools: [...CHAT_TOOLS, { type: 'file_search' as const, file_search: { max_num_results: 5 } }],
  tool_resources: { file_search: { vector_store_ids: ['vs_1'] } },
  temperature: 0.5,
  top_p: 0.25,
  reasoning_effort: 'low' as const,
  response_format: { type: 'json_object' as const },
  metadata: { site: 'a' },
};

test('an assistant is given back with all that it was made of', async () => {
  const { openai } = await start();
  const made = await openai.beta.assistants.create(WHOLE);
  expect(await openai.beta.assistants.retrieve(made.id)).toEqual({
    id: made.id,
    object: 'assistant',
    created_at: expect.any(Number),
    ...WHOLE,
  });
});

test('what was not said of an assistant has the defaults of the wire', async () => {
  const { openai } = await start();
  const made = await openai.beta.assistants.create({ model: 'm' });
  expect(made).toMatchObject({
    name: null,
    description: null,
    instructions: null,
    tools: [],
    tool_resources: {},
    temperature: 1,
    top_p: 1,
    response_format: 'auto',
    metadata: {},
  });
});

test.for([
  [{ temperature: 3 }, 'temperature'],
  [{ tools: [{ type: 'function', name: 'flat' }] }, 'tools[0].function.name'],
  [{ tools: ['weather'] }, 'tools[0].type'],
  [{ response_format: 'json' }, 'response_format'],
] as const)('an assistant of the wrong shape is refused: %j', async ([wrong, param]) => {
  const { openai } = await start();
  await expect(openai.post('/assistants', { body: { model: 'm', ...wrong } })).rejects.toMatchObject({
    status: 400,
    param,
  });
});

test('a run goes by its assistant, and by what the run itself says', async () => {
  const offered: (readonly string[])[] = [];
  const seen: (string | undefined)[] = [];
  const { openai } = await start({
    callTools: ({ tools, instructions, model }) => {
      offered.push(tools);
      seen.push(model, instructions);
      return [clock];
    },
  });
  const { id: assistant_id } = await openai.beta.assistants.create(WHOLE);
  const { threads } = openai.beta;
  const thread = { messages: [hello] };
  const own = await threads.createAndRunPoll({ assistant_id, thread });
  const { model, instructions, tools, temperature, top_p, response_format } = WHOLE;
  expect(own).toMatchObject({
    status: 'requires_action',
    model,
    instructions,
    tools,
    temperature,
    top_p,
    response_format,
  });
  const overrides = {
    model: 'other',
    instructions: 'Be brief.',
    tools: CHAT_TOOLS.slice(1),
    temperature: 0,
    top_p: 1,
    response_format: 'auto' as const,
    parallel_tool_calls: false,
    truncation_strategy: { type: 'last_messages' as const, last_messages: 10 },
    max_prompt_tokens: 1000,
  };
  expect(await threads.createAndRunPoll({ assistant_id, thread, ...overrides })).toMatchObject(overrides);
  expect(offered).toEqual([['weather', 'clock'], ['clock']]);
  expect(seen).toEqual(['gpt-6-luna', 'Be kind.', 'other', 'Be brief.']);
  const mute = await threads.createAndRunPoll({ assistant_id, thread, tool_choice: 'none' });
  expect(mute.status).toBe('completed');
});
