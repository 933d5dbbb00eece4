import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import {
  type BackendName,
  startEmulator,
  startService,
  temporaryFolder,
  upstreamEnv,
} from '../../helpers/service.ts';
import {
  chunk,
  events,
  type Reply,
  refuses,
  SAYS,
  type Sent,
  says,
  startScripted,
  typed,
} from './scripted-upstream.ts';

const inStream = (error: object): Reply => ({ body: events({ error }, '[DONE]') });

/** What an upstream refuses with, how often it is asked, and what the visitor is told. */
const REFUSALS: [name: string, backend: BackendName, reply: Reply, asked: number, code: string][] = [
  [
    '402 of an empty account',
    'completions',
    refuses(
      402,
      '{"error":{"message":"Insufficient credits. Add more using https://openrouter.ai/credits","code":402}}',
    ),
    1,
    'upstream_unauthorized',
  ],
  [
    '498 of a spent capacity',
    'completions',
    refuses(498, '{"error":{"message":"Flex tier capacity exceeded","type":"flex"}}'),
    3,
    'upstream_busy',
  ],
  [
    'a model that was shut down',
    'completions',
    refuses(
      400,
      '{"error":{"message":"The model `llama-3.1-70b` has been decommissioned and is no longer supported.","type":"invalid_request_error","code":"model_decommissioned"}}',
    ),
    1,
    'upstream_rejected',
  ],
  [
    '429 inside a stream',
    'completions',
    inStream({ code: 429, message: 'Provider returned error' }),
    3,
    'upstream_busy',
  ],
  [
    '502 inside a stream',
    'completions',
    inStream({ code: 502, message: 'Provider returned error' }),
    3,
    'upstream_failed',
  ],
  [
    '401 inside a stream',
    'completions',
    inStream({ code: 401, message: 'No auth' }),
    1,
    'upstream_unauthorized',
  ],
  [
    'an error that is a text',
    'completions',
    { body: events({ error: 'the model crashed' }) },
    3,
    'upstream_failed',
  ],
  [
    'an error as plain JSON with 200',
    'completions',
    {
      body: '{"error":{"message":"Insufficient credits","code":402}}',
      headers: { 'content-type': 'application/json' },
    },
    1,
    'upstream_unauthorized',
  ],
  [
    'an overloaded server',
    'responses',
    {
      body: typed('response.failed', {
        response: { status: 'failed', error: { code: 'server_is_overloaded', message: 'Overloaded' } },
      }),
    },
    3,
    'upstream_busy',
  ],
  [
    'a wrong key inside a stream',
    'responses',
    { body: typed('error', { code: 'invalid_api_key', message: 'Incorrect API key provided', param: null }) },
    1,
    'upstream_unauthorized',
  ],
  [
    "a time-out of Cloudflare's",
    'completions',
    refuses(524, 'error code: 524', { 'content-type': 'text/plain' }),
    3,
    'upstream_timeout',
  ],
  [
    'an event that is named an error',
    'completions',
    {
      body: 'event: error\ndata: {"code":"Throttling.RateQuota","message":"Requests rate limit exceeded"}\n\n',
    },
    3,
    'upstream_busy',
  ],
  [
    'a retry that is asked for',
    'completions',
    refuses(400, '{"error":{"message":"Try again"}}', { 'x-should-retry': 'true' }),
    3,
    'upstream_rejected',
  ],
  [
    'a retry that is declined',
    'completions',
    refuses(500, '{"error":{"message":"Broken for good"}}', { 'x-should-retry': 'false' }),
    1,
    'upstream_failed',
  ],
];

describe('a refusal', () => {
  it.each(REFUSALS)('is told by its meaning: %s', async (_, backend, reply, asked, code) => {
    const { service, runs } = await startScripted(backend, () => reply);
    const { body } = await service.post({ user_id: 'ann', message: 'Hello!' });
    expect([body.error?.code, runs.length]).toEqual([code, asked]);
  });

  it('that names a date to come back at is heeded', async () => {
    const later = new Date(Date.now() + 2_500).toUTCString();
    const { service, runs } = await startScripted('completions', (_, count) =>
      count === 0 ? refuses(429, '{}', { 'retry-after': later }) : says('Hi.'),
    );
    const begun = performance.now();
    expect((await service.post({ user_id: 'ann', message: 'Hello!' })).status).toBe(200);
    expect(performance.now() - begun).toBeGreaterThan(1_000);
    expect(runs).toHaveLength(2);
  });

  it.each([
    ['an empty account', REFUSALS[0]],
    ['a model that was shut down', REFUSALS[2]],
    ['a spent capacity', REFUSALS[1]],
  ])('for %s lets the fallback answer', async (_, row) => {
    const second = await startEmulator();
    const { service } = await startScripted('completions', () => row?.[2] ?? says(''), {
      FALLBACK_BACKEND: 'completions',
      FALLBACK_BASE_URL: second.url,
      FALLBACK_MODEL: 'm',
    });
    expect((await service.post({ user_id: 'ann', message: 'Hello!' })).status).toBe(200);
    expect(second.calls.completions).toBe(1);
  });
});

const has = (name: string) => (sent: Sent) => sent.body[name] !== undefined;
const error = (message: string, param: string | null = null) =>
  refuses(400, { error: { message, type: 'invalid_request_error', param, code: null } });

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
    error(
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      'max_tokens',
    ),
    'issue 10 of this project',
  ],
  [
    'temperature',
    has('temperature'),
    error(
      "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.",
      'temperature',
    ),
    'issue 10 of this project',
  ],
  ['top_p', has('top_p'), error('top_p is not supported with this model'), 'issue 10 of this project'],
  [
    'reasoning_effort',
    has('reasoning_effort'),
    error('Unrecognized request argument supplied: reasoning_effort'),
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
    error('`temperature` and `top_p` cannot both be specified for this model. Please use only one.'),
    "a sibling: Anthropic's endpoint",
  ],
  ['tools', has('tools'), error('registry.ollama.ai/library/gemma2:2b does not support tools'), 'ollama.com'],
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
      () => error("Invalid schema for function 'f': type is missing.", 'tools[0].function.parameters'),
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

describe('a thread that the upstream calls broken', () => {
  it.each<[BackendName, string, Reply]>([
    ['responses', 'no tool output', error('No tool output found for function call call_1.', 'input')],
    [
      'responses',
      'a lost reasoning item',
      error("Item 'rs_1' of type 'reasoning' was provided without its required following item.", 'input'),
    ],
    ['responses', 'something unknown', error('Conversation state is invalid.')],
    ['responses', 'gone', refuses(410, '{"error":{"message":"Gone"}}')],
    ['assistants', 'something unknown', error('Thread is corrupted.')],
    ['assistants', 'unprocessable', refuses(422, '{"detail":"bad thread"}')],
  ])('at %s is rebuilt, within the same message: %s', async (backend, _, refusal) => {
    const { service, runs } = await startScripted(backend, (__, count) =>
      count === 1 ? refusal : SAYS[backend](`Answer ${count}.`),
    );
    await service.post({ user_id: 'ann', message: 'I like apples.' });
    const { status, body } = await service.post({ user_id: 'ann', message: 'two' });
    expect([status, body.answer]).toEqual([200, 'Answer 2.']);
    expect(runs).toHaveLength(3);
  });

  it.each(['responses', 'assistants'] as const)('at %s is rebuilt once a message', async (backend) => {
    const { service, runs } = await startScripted(backend, (_, count) =>
      count === 0 ? SAYS[backend]('Hi.') : error('Something is wrong.'),
    );
    await service.post({ user_id: 'ann', message: 'one' });
    const { body } = await service.post({ user_id: 'ann', message: 'two' });
    expect([body.error?.code, runs.length]).toEqual(['upstream_rejected', 3]);
  });

  it.each([
    [
      'for what the visitor wrote',
      refuses(400, '{"error":{"message":"Flagged.","code":"invalid_prompt","param":null}}'),
    ],
    ['for the model', error('The model `m` does not exist', 'model')],
  ])('is not rebuilt where it is refused %s', async (_, refusal) => {
    const { service, runs } = await startScripted('responses', (__, count) =>
      count === 0 ? SAYS.responses('Hi.') : refusal,
    );
    await service.post({ user_id: 'ann', message: 'one' });
    await service.post({ user_id: 'ann', message: 'two' });
    expect(runs).toHaveLength(2);
  });
});

describe('an upstream that is set up wrongly', () => {
  const page: Reply = {
    status: 404,
    headers: { 'content-type': 'text/html' },
    body: '<!DOCTYPE html><h1>Not found',
  };

  it.each<[string, BackendName, Reply, string, object]>([
    [
      'a web page',
      'completions',
      { ...page, status: 200 },
      'OPENAI_BASE_URL',
      { path: '/v1/chat/completions' },
    ],
    [
      'a web page with 404',
      'completions',
      page,
      'OPENAI_BASE_URL',
      { path: '/v1/chat/completions', status: 404 },
    ],
    [
      'no such path',
      'completions',
      refuses(404, '{"detail":"Not Found"}'),
      'OPENAI_BASE_URL',
      { status: 404 },
    ],
    [
      'a redirect',
      'completions',
      { status: 308, headers: { location: 'https://elsewhere.example' }, body: '' },
      'OPENAI_BASE_URL',
      { status: 308 },
    ],
    [
      'a wrong key',
      'completions',
      refuses(401, '{"error":{"message":"Incorrect API key provided: sk-12345","code":"invalid_api_key"}}'),
      'OPENAI_API_KEY',
      { status: 401, code: 'invalid_api_key' },
    ],
    [
      'no such model',
      'responses',
      refuses(
        404,
        '{"error":{"message":"The model `m` does not exist","code":"model_not_found","param":"model"}}',
      ),
      'OPENAI_MODEL',
      { code: 'model_not_found', param: 'model' },
    ],
    [
      'an empty account',
      'completions',
      refuses(402, '{"error":{"message":"Insufficient credits"}}'),
      'billing',
      { status: 402 },
    ],
    [
      'an answer that is cut before its first word',
      'completions',
      { body: events(chunk({ reasoning_content: 'Hm' }), chunk({}, 'length'), '[DONE]') },
      'MAX_ANSWER_TOKENS',
      {},
    ],
    [
      'a refused parameter',
      'completions',
      error('Bad seed.', 'seed\n"evil": {}'),
      'assistant file',
      { param: 'seed"evil": {}' },
    ],
  ])('is told of once, with what to look at: %s', async (_, backend, reply, setting, details) => {
    const { service } = await startScripted(backend, () => reply, { RUN_TIMEOUT: '4s' });
    for (const message of ['one', 'two']) {
      expect((await service.post({ user_id: 'ann', message })).status).toBeGreaterThan(500);
    }
    const told = service.lines.filter(({ level, msg }) => level === 'warn' && msg.includes(setting));
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject(details);
    const lines = service.lines.filter(({ level }) => level !== 'debug');
    expect(JSON.stringify(lines)).not.toMatch(/sk-12345|elsewhere/);
  });

  it('by the address of one call is told what the setting takes, at the start already', async () => {
    const { url } = await startScripted('completions', () => page);
    const service = await startService(upstreamEnv({ url: `${url}/chat/completions` }, 'completions'));
    await expect
      .poll(() => service.lines.find(({ msg }) => msg.includes('before /chat/completions')))
      .toMatchObject({ level: 'warn', path: '/v1/chat/completions/models/gpt-6-luna', status: 404 });
  });

  it('by a wrong key is told so at the start', async () => {
    const emulator = await startEmulator({ apiKey: 'another-key' });
    const service = await startService(upstreamEnv(emulator));
    await expect
      .poll(() => service.lines.find(({ msg }) => msg.includes('OPENAI_API_KEY')))
      .toMatchObject({ level: 'warn', status: 401 });
  });

  it('with a good model is told so at the start', async () => {
    const emulator = await startEmulator();
    const service = await startService(upstreamEnv(emulator));
    await expect
      .poll(() => service.lines.find(({ msg }) => msg.includes('has the model')))
      .toMatchObject({ model: 'gpt-6-luna' });
  });
});
