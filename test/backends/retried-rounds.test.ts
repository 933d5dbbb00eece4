import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import type { Fault } from '../../emulator/faults.ts';
import { startEmulator, startService, temporaryFolder, upstreamEnv } from '../helpers/service.ts';
import { startHook } from '../helpers/webhook.ts';

const BUSY: Fault = { kind: 'status', status: 503, retryAfter: 0 };

const order = (url: string) => ({
  type: 'function',
  function: {
    name: 'order',
    description: 'Looks up an order',
    parameters: { type: 'object', properties: {} },
  },
  'x-webhook': { url, allow_unverified: true },
});

const assistantFile = async (tools: readonly object[]): Promise<string> => {
  const file = path.join(await temporaryFolder(), 'assistant.json');
  await writeFile(file, JSON.stringify({ model: 'gpt-6-luna', instructions: 'Be helpful.', tools }));
  return file;
};

const completionBody = z.object({
  messages: z.array(
    z.looseObject({
      role: z.string(),
      tool_calls: z.array(z.looseObject({ id: z.string() })).optional(),
      tool_call_id: z.string().optional(),
    }),
  ),
});

describe('a round of functions at the completions backend', () => {
  it('that is retried tells each result once', async () => {
    const emulator = await startEmulator();
    // Each time that a result is there, its round fails twice, before its answer and in the middle of it.
    const hook = await startHook(() => {
      emulator.fail({ on: 'completions', fault: BUSY });
      emulator.fail({ on: 'completions', fault: { kind: 'failed', afterDeltas: 0 } });
      return '"done"';
    });
    const service = await startService({
      ...upstreamEnv(emulator, 'completions'),
      ASSISTANT_FILE: await assistantFile([order(hook.url)]),
    });
    emulator.callTools = ({ round }) => (round < 2 ? [{ name: 'order', arguments: '{}' }] : []);
    expect((await service.post({ user_id: 'ann', message: 'Where is it?' })).status).toBe(200);
    expect(hook.calls).toHaveLength(2);
    const { messages } = completionBody.parse(emulator.requests.at(-1)?.body);
    expect(messages.map(({ role }) => role)).toEqual([
      'system',
      'user',
      'assistant',
      'tool',
      'assistant',
      'tool',
    ]);
    const asked = messages.flatMap(({ tool_calls: calls = [] }) => calls.map(({ id }) => id));
    expect(new Set(asked).size).toBe(2);
    expect(messages.flatMap(({ tool_call_id: id }) => id ?? [])).toEqual(asked);
  });

  const call = (id: string, given: string, index?: number) => ({
    index,
    id,
    type: 'function',
    function: { name: 'order', arguments: given },
  });

  it.each([
    ['without index, all at once', [[call('a', '{"n":1}'), call('b', '{"n":2}')]]],
    ['without index, one after the other', [[call('a', '{"n":1}')], [call('b', '{"n":2}')]]],
    [
      'without index, in pieces',
      [
        [call('a', '{"n"')],
        [{ function: { arguments: ':1}' } }],
        [call('b', '{"n"')],
        [{ function: { arguments: ':2}' } }],
      ],
    ],
    ['with an index left out', [[call('a', '{"n":1}', 1), call('b', '{"n":2}', 3)]]],
  ])('knows calls that a server sends %s', async (_, lists) => {
    const hook = await startHook(() => '"done"');
    const url = await startOtherServer((tools) =>
      tools.length > 0 ? [{ content: 'Here it is.' }] : lists.map((list) => ({ tool_calls: list })),
    );
    const service = await startService({
      ...upstreamEnv({ url }, 'completions'),
      ASSISTANT_FILE: await assistantFile([order(hook.url)]),
    });
    const { status, body } = await service.post({ user_id: 'ann', message: 'Where is it?' });
    expect([status, body.answer]).toEqual([200, 'Here it is.']);
    const given = hook.calls.map((made) =>
      z.looseObject({ arguments: z.unknown() }).parse(JSON.parse(made.body)),
    );
    expect(new Set(given.map((made) => JSON.stringify(made.arguments)))).toEqual(
      new Set(['{"n":1}', '{"n":2}']),
    );
  });
});

/** A server that speaks chat completions in a way that the emulator does not: by the results that it was told. */
const startOtherServer = async (
  deltas: (results: readonly unknown[]) => readonly object[],
): Promise<string> => {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request.setEncoding('utf8')) body += piece;
    if (request.method !== 'POST') return void response.writeHead(404).end();
    const { messages } = completionBody.parse(JSON.parse(body));
    const choices = [
      ...deltas(messages.filter(({ role }) => role === 'tool')).map((delta) => ({ delta })),
      { delta: {}, finish_reason: 'stop' },
    ];
    const events = choices.map((choice) => `data: ${JSON.stringify({ choices: [choice] })}\n\n`);
    response.setHeader('Content-Type', 'text/event-stream');
    response.end(`${events.join('')}data: [DONE]\n\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}/v1`;
};

describe('an assistant that is being made at the server', () => {
  const startMaking = async (env: Record<string, string>) => {
    const emulator = await startEmulator({ assistants: [] });
    const service = await startService({
      ...upstreamEnv(emulator, 'assistants'),
      OPENAI_ASSISTANT_ID: '',
      ASSISTANT_FILE: await assistantFile([]),
      ...env,
    });
    return { emulator, service };
  };

  it('is there for those who still wait when the turn that began it is over', async () => {
    const { emulator, service } = await startMaking({ RUN_TIMEOUT: '1s' });
    const making = emulator.next('assistants');
    emulator.fail({ on: 'assistants', fault: { kind: 'hang-before-headers' } });
    const ann = service.post({ user_id: 'ann', message: 'Hello!' });
    await making;
    // Bob's turn ends so much later than Ann's.
    await sleep(700);
    const bob = service.post({ user_id: 'bob', message: 'Hello!' });
    expect((await ann).status).toBe(504);
    emulator.release();
    expect((await bob).status).toBe(200);
    expect(emulator.calls.assistants).toBe(1);
  });

  it('is made by the next message where it failed', async () => {
    const { emulator, service } = await startMaking({});
    emulator.fail({ on: 'assistants', fault: { kind: 'status', status: 400 } });
    expect((await service.post({ user_id: 'ann', message: 'Hello!' })).status).toBe(502);
    expect((await service.post({ user_id: 'ann', message: 'Hello!' })).status).toBe(200);
  });
});
