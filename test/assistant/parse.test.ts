import { describe, expect, it } from 'vitest';
import { AssistantFileError, parseAssistant } from '../../src/assistant/parse.ts';

const SECRET = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
const env = {
  GOOD: SECRET,
  PLAIN: 'a plain text that is longer than 32 characters',
  SHORT: 'whsec_c2hvcnQ=',
};

const faultsOf = (json: unknown): readonly string[] => {
  try {
    parseAssistant(json, { env });
  } catch (thrown) {
    if (thrown instanceof AssistantFileError) return thrown.faults;
    throw thrown;
  }
  return [];
};
const hook = (webhook: object, name = 'look_up') => ({
  type: 'function',
  function: { name },
  'x-webhook': { url: 'https://shop.example/hook', ...webhook },
});

describe('an assistant that was exported', () => {
  const exported = {
    id: 'asst_1',
    object: 'assistant',
    created_at: 1,
    name: null,
    model: 'gpt-4o',
    instructions: 'Help.',
    tools: [hook({ secret_env: 'GOOD', timeout_ms: 500, allow_unverified: true })],
    temperature: null,
    response_format: 'auto',
  };

  it('is taken as it is: ids and dates are left out without a word, null means absent', () => {
    const { definition, notes, secrets } = parseAssistant(exported, { env });
    expect(definition).toEqual({
      model: 'gpt-4o',
      instructions: 'Help.',
      response_format: { type: 'auto' },
      tools: [
        {
          type: 'function',
          function: { name: 'look_up' },
          webhook: {
            url: 'https://shop.example/hook',
            timeoutMs: 500,
            secretEnv: 'GOOD',
            allowUnverified: true,
          },
        },
      ],
    });
    expect(notes).toEqual([]);
    expect(secrets.get('look_up')).toEqual(Buffer.alloc(24, 1));
  });

  it('keeps nulls inside a JSON schema, where they mean themselves', () => {
    const parameters = { type: 'object', properties: { mood: { enum: ['calm', null], default: null } } };
    const tool = { ...hook({}), function: { name: 'look_up', parameters } };
    const { definition } = parseAssistant({ tools: [tool] }, { env });
    expect(definition.tools?.[0]).toMatchObject({ function: { parameters } });
  });

  it('has its webhooks unsigned, unverified visitors kept out and 10 s of time unless it says more', () => {
    const { definition, secrets, notes } = parseAssistant({ tools: [hook({})] }, { env });
    expect(definition.tools?.[0]).toMatchObject({
      webhook: { timeoutMs: 10_000, secretEnv: undefined, allowUnverified: false },
    });
    expect(secrets.size).toBe(0);
    expect(notes).toEqual([
      expect.stringContaining('tools[0].x-webhook has no secret_env: its calls are not signed'),
    ]);
  });

  it('has its unknown fields named once, and is accepted without them', () => {
    const search = { type: 'file_search', vector_store_ids: ['vs_1'] };
    const { definition, notes } = parseAssistant({ model: 'm', file_ids: [], tools: [search] }, { env });
    expect(definition).toEqual({ model: 'm', tools: [{ type: 'file_search' }] });
    expect(notes).toEqual([
      'file_ids is not a field that is known here, and is ignored.',
      'tools[0].vector_store_ids is not a field that is known here, and is ignored.',
    ]);
  });

  it('is told of files that no tool of it reads', () => {
    const resources = { file_search: { vector_store_ids: ['vs_1'] } };
    const { notes } = parseAssistant({ model: 'm', tool_resources: resources }, { env });
    expect(notes).toEqual(['tool_resources.file_search is not used: there is no tool of type file_search.']);
  });
});

describe("tools of Responses' own", () => {
  it('are accepted as they are, nulls included', () => {
    const tools = [
      { type: 'web_search', user_location: null },
      { type: 'mcp', server_label: 'docs', server_url: 'https://mcp.example', require_approval: 'never' },
    ];
    const { definition, notes } = parseAssistant({ tools }, { env });
    expect(definition.tools).toEqual(tools);
    expect(notes).toEqual([]);
  });

  it('are accepted with a note where they are newer than this service', () => {
    const { definition, notes } = parseAssistant({ tools: [{ type: 'mind_reader' }] }, { env });
    expect(definition.tools).toEqual([{ type: 'mind_reader' }]);
    expect(notes).toEqual([expect.stringContaining('tools[0].type is none that is known here')]);
  });

  it('of the first Assistants API are read under their new name', () => {
    const { definition, notes } = parseAssistant({ tools: [{ type: 'retrieval' }] }, { env });
    expect(definition.tools).toEqual([{ type: 'file_search' }]);
    expect(notes).toEqual([
      expect.stringContaining('tools[0].type retrieval is the old name of file_search'),
    ]);
  });

  it('are refused where they wait for a client that acts, and noted where they wait for an approval', () => {
    expect(faultsOf({ tools: [{ type: 'apply_patch' }] })).toEqual([
      expect.stringContaining('tools[0].type: a apply_patch tool waits for its caller'),
    ]);
    const { notes } = parseAssistant({ tools: [{ type: 'mcp', server_label: 'docs' }] }, { env });
    expect(notes).toEqual([expect.stringContaining('tools[0].require_approval')]);
  });
});

describe('a broken assistant', () => {
  it('is told every fault at once, by its JSON path', () => {
    const faults = faultsOf({
      model: 7,
      temperature: 3,
      response_format: { type: 'json_schema', json_schema: { name: 'x' } },
      reasoning_effort: 'huge',
      metadata: { team: 1 },
      tool_resources: { file_search: { vector_store_ids: [1] } },
      tools: [
        { type: 'function', function: { name: 'a b' } },
        hook({ url: 'ftp://files.example', timeout_ms: 99, timeoutMs: 1, secret_env: 'GONE' }),
        { type: 'file_search', file_search: { max_num_results: 51 } },
        5,
        {},
      ],
    });
    expect(faults.map((fault) => fault.slice(0, fault.indexOf(':')))).toEqual([
      'model',
      'tool_resources.file_search.vector_store_ids[0]',
      'temperature',
      'response_format.json_schema.schema',
      'reasoning_effort',
      'metadata.team',
      'tools[0].function.name',
      'tools[0].x-webhook',
      'tools[1].x-webhook.url',
      'tools[1].x-webhook.timeout_ms',
      'tools[1].x-webhook.secret_env',
      'tools[1].x-webhook',
      'tools[2].file_search.max_num_results',
      'tools[3]',
      'tools[4].type',
    ]);
  });

  it('in camelCase, as some SDKs write it, is told the right names', () => {
    expect(faultsOf({ model: 'm', toolResources: {}, topP: 1, reasoningEffort: 'low' })).toEqual([
      'toolResources: is written tool_resources in an exported assistant',
      'topP: is written top_p in an exported assistant',
      'reasoningEffort: is written reasoning_effort in an exported assistant',
    ]);
  });

  it('may not have a function without a webhook, or with the name of another', () => {
    const faults = faultsOf({ tools: [hook({}), { ...hook({}), 'x-webhook': null }] });
    expect(faults).toEqual([
      expect.stringMatching(/^tools\[1\]\.x-webhook: is absent; a function takes "x-webhook"/),
      'tools[1].function.name: is the name of tools[0], too',
    ]);
  });

  it.each([
    ['javascript:alert(1)', 'takes an http or https URL'],
    ['/hooks/order', 'takes an http or https URL'],
    ['https://user:pass@shop.example/', 'takes a URL without user name and password; use secret_env'],
  ])('may not send its calls to %s', (url, fault) => {
    expect(faultsOf({ tools: [hook({ url })] })).toEqual([`tools[0].x-webhook.url: ${fault}`]);
  });

  it.each(['GONE', 'constructor', 'PLAIN', 'SHORT', SECRET])(
    'may not sign with %s, which is never repeated',
    (secret_env) => {
      const [fault, ...more] = faultsOf({ tools: [hook({ secret_env })] });
      expect(more).toEqual([]);
      expect(fault).toMatch(/^tools\[0\]\.x-webhook\.secret_env: .*environment variable/);
      expect(fault).not.toContain(secret_env);
      expect(fault).not.toContain('a plain text');
    },
  );

  it.each([
    [['an array'], 'no JSON object'],
    ['a text', 'no JSON object'],
    [null, 'no JSON object'],
    [[{ model: 'm' }], 'no JSON object but a list'],
    [{ object: 'list', data: [] }, 'data: it holds a list of assistants'],
    [{ data: [{ model: 'm' }] }, 'data: it holds a list of assistants'],
    [{ assistant: { model: 'm' } }, 'inside another object'],
    [{ object: 'thread' }, 'object: is not "assistant"'],
    [{ user123: [{ user: 'My secret', bot: 'Hi', timestamp: 1 }] }, 'none of model, instructions and tools'],
  ])('is another kind of file: %j', (json, fault) => {
    expect(faultsOf(json)).toEqual([expect.stringContaining(fault)]);
    expect(faultsOf(json).join()).not.toContain('My secret');
  });
});
