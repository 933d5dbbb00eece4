import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../helpers/service.ts';
import {
  badRequest,
  type Reply,
  refuses,
  SAYS,
  type Sent,
  says,
  startScripted,
} from './scripted-upstream.ts';

const has = (name: string) => (sent: Sent) => sent.body[name] !== undefined;

/** What a server refuses, by what it is told so, and what is sent instead. */
const PARAMETERS: [name: string, isRefused: (sent: Sent) => boolean, refusal: Reply, source: string][] = [
  [
    'stream_options',
    has('stream_options'),
    refuses(
      422,
      '{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted","input":{"include_usage":true}}]}',
    ),
    'microsoft/semantic-kernel#10510, gpustack/gpustack#429',
  ],
  [
    'max_tokens',
    has('max_tokens'),
    badRequest(
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      'max_tokens',
    ),
    'issue 10 of this project',
  ],
  [
    'temperature',
    has('temperature'),
    badRequest(
      "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.",
      'temperature',
    ),
    'issue 10 of this project',
  ],
  ['top_p', has('top_p'), badRequest('top_p is not supported with this model'), 'issue 10 of this project'],
  [
    'reasoning_effort',
    has('reasoning_effort'),
    badRequest('Unrecognized request argument supplied: reasoning_effort'),
    'issue 10 of this project',
  ],
  [
    'the system role',
    ({ body }) => JSON.stringify(body.messages).includes('"system"'),
    refuses(
      400,
      '{"object":"error","message":"System role not supported","type":"BadRequestError","param":null,"code":400}',
    ),
    'vllm-project/vllm#2964, huggingface/chat-ui#1386',
  ],
  [
    'the system role',
    ({ body }) => JSON.stringify(body.messages).includes('"system"'),
    refuses(
      400,
      '{"object":"error","message":"Only user and assistant roles are supported!","type":"BadRequestError","param":null,"code":400}',
    ),
    "a sibling: Mistral 7B's template",
  ],
  [
    'temperature',
    ({ body }) => body.temperature !== undefined && body.top_p !== undefined,
    badRequest('`temperature` and `top_p` cannot both be specified for this model. Please use only one.'),
    "a sibling: Anthropic's endpoint",
  ],
  [
    'tools',
    has('tools'),
    badRequest('registry.ollama.ai/library/gemma2:2b does not support tools'),
    'ollama.com',
  ],
];

const definition = {
  model: 'm',
  instructions: 'Be helpful.',
  temperature: 0.2,
  top_p: 0.9,
  reasoning_effort: 'low',
  tools: [{ type: 'function', function: { name: 'f' }, 'x-webhook': { url: 'http://127.0.0.1:9/' } }],
};

const withAssistant = async (json: object): Promise<Record<string, string>> => {
  const file = `${await temporaryFolder()}/assistant.json`;
  await writeFile(file, JSON.stringify(json));
  return { ASSISTANT_FILE: file };
};

describe('a parameter that a server refuses', () => {
  it.each(PARAMETERS)('is left out from then on, and told of once: %s', async (name, isRefused, refusal) => {
    const { service, runs } = await startScripted(
      'completions',
      (sent) => (isRefused(sent) ? refusal : says('Hi.')),
      await withAssistant(definition),
    );
    for (const user_id of ['ann', 'bob']) {
      const { status, body } = await service.post({ user_id, message: 'Hello!' });
      expect([status, body.answer]).toEqual([200, 'Hi.']);
    }
    expect(runs).toHaveLength(3);
    expect(
      service.lines.filter(({ level, parameter }) => level === 'warn' && parameter === name),
    ).toHaveLength(1);
    // All else is still sent.
    expect(runs.at(-1)?.body).toMatchObject({ model: 'm', stream: true });
    expect(JSON.stringify(runs.at(-1)?.body.messages)).toContain('Be helpful.');
    if (name === 'max_tokens') expect(runs.at(-1)?.body.max_completion_tokens).toBe(4096);
  });

  it('is left out together with others that it refuses', async () => {
    const { service, runs } = await startScripted(
      'completions',
      (sent) => {
        const row = PARAMETERS.find(([, isRefused]) => isRefused(sent));
        return row ? row[2] : says('Hi.');
      },
      await withAssistant(definition),
    );
    expect((await service.post({ user_id: 'ann', message: 'Hello!' })).body.answer).toBe('Hi.');
    expect(runs).toHaveLength(new Set(PARAMETERS.map(([name]) => name)).size + 1);
  });

  it('is not left out where the assistant would be another one without it', async () => {
    const { service, runs } = await startScripted(
      'completions',
      () => badRequest("Invalid schema for function 'f': type is missing.", 'tools[0].function.parameters'),
      await withAssistant(definition),
    );
    const { body } = await service.post({ user_id: 'ann', message: 'Hello!' });
    expect([body.error?.code, runs.length]).toEqual(['upstream_rejected', 1]);
  });

  it('at the Assistants wire is not sent where the published description does not have it', async () => {
    const { service, runs, others } = await startScripted(
      'assistants',
      () => SAYS.assistants('Hi.'),
      await withAssistant({ model: 'm', reasoning_effort: 'low' }),
    );
    expect((await service.post({ user_id: 'ann', message: 'Hello!' })).body.answer).toBe('Hi.');
    expect(others.map(({ path }) => path)).toEqual(['/v1/threads']);
    expect(runs[0]).toMatchObject({ path: '/v1/threads/thread_1/runs', body: { reasoning_effort: 'low' } });
  });
});
