import { describe, expect, it } from 'vitest';
import type { AssistantDefinition } from '../../src/assistant/definition.ts';
import { fingerprintOf, hashOf } from '../../src/assistant/fingerprint.ts';

const webhook = {
  url: 'https://shop.example/hook',
  timeoutMs: 10_000,
  secretEnv: undefined,
  allowUnverified: false,
};
const base: AssistantDefinition = {
  model: 'gpt-4o',
  instructions: 'Help.',
  temperature: 0.5,
  tools: [
    {
      type: 'function',
      function: { name: 'look_up', parameters: { type: 'object', properties: {} } },
      webhook,
    },
    { type: 'mcp', server_label: 'docs', server_url: 'https://mcp.example', authorization: 'old key' },
  ],
  tool_resources: { code_interpreter: { file_ids: ['file-1'] } },
};

describe('the fingerprint of an assistant', () => {
  it('is short, and the same whatever the order of keys in the file', () => {
    const turned: AssistantDefinition = {
      tool_resources: { code_interpreter: { file_ids: ['file-1'] } },
      tools: [
        {
          webhook,
          function: { parameters: { properties: {}, type: 'object' }, name: 'look_up' },
          type: 'function',
        },
        { authorization: 'old key', server_url: 'https://mcp.example', server_label: 'docs', type: 'mcp' },
      ],
      temperature: 0.5,
      instructions: 'Help.',
      model: 'gpt-4o',
    };
    expect(fingerprintOf(turned)).toBe(fingerprintOf(base));
    expect(fingerprintOf(base)).toMatch(/^[0-9a-f]{16}$/);
  });

  it.each<[string, AssistantDefinition]>([
    ['another model', { ...base, model: 'gpt-6-luna' }],
    ['another tool', { ...base, tools: [{ type: 'code_interpreter' }] }],
    ['other files', { ...base, tool_resources: { code_interpreter: { file_ids: ['file-2'] } } }],
  ])('changes with %s, so that threads are rebuilt', (_what, changed) => {
    expect(fingerprintOf(changed)).not.toBe(fingerprintOf(base));
  });

  it.each<[string, AssistantDefinition]>([
    ['instructions', { ...base, instructions: 'Help better.' }],
    ['temperature', { ...base, temperature: 1 }],
    ['name', { ...base, name: 'Ada' }],
    [
      'keys and webhooks',
      {
        ...base,
        tools:
          base.tools?.map((tool) => {
            if (tool.type === 'function')
              return { ...tool, webhook: { ...webhook, url: 'https://new.example' } };
            return tool.type === 'mcp' ? { ...tool, authorization: 'new key' } : tool;
          }) ?? [],
      },
    ],
  ])('stays with other %s, which go with every run or never', (_what, changed) => {
    expect(fingerprintOf(changed)).toBe(fingerprintOf(base));
  });

  it('follows the model of the settings where the file names none', () => {
    expect(fingerprintOf({}, 'a')).not.toBe(fingerprintOf({}, 'b'));
    expect(fingerprintOf({ model: 'a' }, 'b')).toBe(fingerprintOf({}, 'a'));
  });

  it('tells lists of another order apart', () => {
    expect(hashOf(['a', 'b'])).not.toBe(hashOf(['b', 'a']));
  });
});
