import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import path from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import {
  BACKENDS,
  startEmulator,
  startService,
  temporaryFolder,
  upstreamEnv,
} from '../../helpers/service.ts';
import { startHook } from '../../helpers/webhook.ts';

const published = z
  .object({ requests: z.record(z.string(), z.looseObject({})), $defs: z.record(z.string(), z.unknown()) })
  .parse(JSON.parse(readFileSync(path.join(import.meta.dirname, 'openai.json'), 'utf8')));

const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
const strictAjv = new Ajv2020({
  strict: false,
  validateFormats: false,
  allErrors: true,
  validateSchema: false,
});
strictAjv.removeKeyword('deprecated');
strictAjv.addKeyword({
  keyword: 'deprecated',
  schemaType: 'boolean',
  validate: (isDeprecated: boolean) => !isDeprecated,
});

/** Whether a body is what the description says: nothing that it does not know, and on living wires nothing deprecated. */
const validators = new Map<string, ValidateFunction>();
const validatorOf = (name: string): ValidateFunction => {
  // All of the Assistants API is deprecated.
  const isLiving = !/^\/(threads|assistants)/.test(name);
  const made =
    validators.get(name) ??
    (isLiving ? strictAjv : ajv).compile({
      ...published.requests[name],
      unevaluatedProperties: false,
      $defs: published.$defs,
    });
  validators.set(name, made);
  return made;
};

/** `/v1/threads/thread_1/runs` → `/threads/{thread_id}/runs`. */
const nameOf = (url: string): string | undefined => {
  const parts = url.replace(/^\/v1/, '').split('/');
  return Object.keys(published.requests).find((name) => {
    const wanted = name.split('/');
    return (
      wanted.length === parts.length &&
      wanted.every(
        (part, index) => part === parts[index] || (part.startsWith('{') && parts[index] !== 'runs'),
      )
    );
  });
};

const wrongIn = (requests: readonly { path: string; body: unknown }[]): unknown[] =>
  requests.flatMap(({ path: url, body }) => {
    const name = nameOf(url);
    const validate = name === undefined ? undefined : validatorOf(name);
    if (!validate || validate(body)) return [];
    return [
      {
        url,
        body,
        errors: validate.errors?.map(({ instancePath, message }) => `${instancePath} ${message}`),
      },
    ];
  });

const assistantFile = async (hook: string): Promise<string> => {
  const file = path.join(await temporaryFolder(), 'assistant.json');
  const parameters = { type: 'object', properties: { order: { type: 'string' } } };
  const definition = {
    name: 'Support',
    description: 'Helps customers',
    model: 'gpt-6-luna',
    instructions: 'Be helpful.',
    temperature: 0.4,
    top_p: 0.9,
    reasoning_effort: 'low',
    metadata: { team: 'support' },
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: { type: 'object' } } },
    tool_resources: {
      file_search: { vector_store_ids: ['vs_1'] },
      code_interpreter: { file_ids: ['file_1'] },
    },
    tools: [
      { type: 'file_search', file_search: { max_num_results: 5, ranking_options: { score_threshold: 0.2 } } },
      { type: 'code_interpreter' },
      {
        type: 'function',
        function: { name: 'order', parameters },
        'x-webhook': { url: hook, allow_unverified: true },
      },
    ],
  };
  await writeFile(file, JSON.stringify(definition));
  return file;
};

/** Has the service make every kind of call that it makes on a wire. */
const exercise = async (env: Record<string, string>, emulator: Awaited<ReturnType<typeof startEmulator>>) => {
  const hook = await startHook(() => '"on its way"');
  const service = await startService({ ...env, ASSISTANT_FILE: await assistantFile(hook.url) });
  const say = async (message: string) =>
    expect([message, (await service.post({ user_id: 'ann', message })).status]).toEqual([message, 200]);
  await say('Hello!');
  emulator.callTools = ({ round }) =>
    round < 2 ? ['1', '2'].map((order) => ({ name: 'order', arguments: JSON.stringify({ order }) })) : [];
  await say('Where is my order?');
  emulator.callTools = undefined;
  for (let n = 0; n < 20; n += 1) await say(`message ${n}`);
  emulator.forgetEverything();
  await say('Do you still know me?');
  await service.stop();
  return emulator.requests.filter(({ body }) => body !== undefined);
};

/** A proxy by which an emulator answers for api.openai.com. */
const startStandIn = async (port: number): Promise<string> => {
  const server = createServer((incoming, outgoing) => {
    const { pathname } = new URL(incoming.url ?? '');
    const { method = 'GET', headers } = incoming;
    const onward = request({ host: '127.0.0.1', port, method, path: pathname, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
};

describe("every request is what OpenAI's published description says", () => {
  it.each(BACKENDS)('at %s', async (backend) => {
    const emulator = await startEmulator({ record: 1_000 });
    const requests = await exercise(upstreamEnv(emulator, backend), emulator);
    expect(requests.length).toBeGreaterThan(24);
    // A server of another kind is sent max_tokens, which all of them know; it is deprecated at OpenAI alone.
    const others = requests.map(({ path: url, body }) => {
      const { max_tokens: _other, ...rest } = z.looseObject({}).parse(body);
      return { path: url, body: backend === 'completions' ? rest : body };
    });
    expect(wrongIn(others)).toEqual([]);
  });

  it('where an assistant is made', async () => {
    const emulator = await startEmulator({ record: 1_000, assistants: [] });
    const requests = await exercise(
      { ...upstreamEnv(emulator, 'assistants'), OPENAI_ASSISTANT_ID: '' },
      emulator,
    );
    // Once at first, and once more when the server has forgotten it.
    expect(requests.filter(({ endpoint }) => endpoint === 'assistants')).toHaveLength(2);
    expect(wrongIn(requests)).toEqual([]);
  });

  it.each(['responses', 'completions'] as const)('at OpenAI itself through %s', async (backend) => {
    const emulator = await startEmulator({ record: 1_000 });
    const env = {
      ...upstreamEnv({ url: 'http://api.openai.com/v1' }, backend),
      HTTP_PROXY: await startStandIn(emulator.port),
    };
    const requests = await exercise(env, emulator);
    expect(requests.length).toBeGreaterThan(24);
    expect(wrongIn(requests)).toEqual([]);
    expect(JSON.stringify(requests)).not.toMatch(/"(truncation|max_tokens)"/);
  });

  it('and the description would tell of what it does not know, and of what is deprecated', () => {
    const base = { model: 'm', input: 'Hi' };
    expect(wrongIn([{ path: '/v1/responses', body: base }])).toEqual([]);
    for (const wrong of [{ truncation: 'auto' }, { unknown: 1 }, { temperature: 'hot' }]) {
      expect(wrongIn([{ path: '/v1/responses', body: { ...base, ...wrong } }])).toHaveLength(1);
    }
    const run = { assistant_id: 'asst_1', reasoning_effort: 'low' };
    expect(wrongIn([{ path: '/v1/threads/runs', body: run }])).toHaveLength(1);
    expect(wrongIn([{ path: '/v1/threads/thread_1/runs', body: run }])).toEqual([]);
  });
});
