import { writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { callApi } from '../helpers/api.ts';
import {
  BACKENDS,
  startBoth,
  startEmulator,
  startService,
  temporaryFolder,
  upstreamEnv,
} from '../helpers/service.ts';
import { startHook } from '../helpers/webhook.ts';

describe('a wait that an upstream asks for', () => {
  it.each([
    ['of thirty seconds is not waited for, however far the end of the turn is', 30, '20m'],
    ['of two seconds is not waited for where the turn ends before', 2, '1500ms'],
  ])('%s', async (_, retryAfter, RUN_TIMEOUT) => {
    const { service, emulator } = await startBoth({ env: { RUN_TIMEOUT } });
    const fault = emulator.fail({
      on: 'responses',
      times: 3,
      fault: { kind: 'status', status: 429, retryAfter },
    });
    const begun = performance.now();
    const { status, body, headers } = await service.post({ user_id: 'ann', message: 'Hello!' });
    expect(performance.now() - begun).toBeLessThan(1_200);
    expect([status, body.error?.code, headers.get('retry-after')]).toEqual([
      503,
      'upstream_busy',
      `${retryAfter}`,
    ]);
    expect(fault.struck).toBe(1);
  });

  it('of a second is waited for', async () => {
    const { service, emulator } = await startBoth();
    const fault = emulator.fail({ on: 'responses', fault: { kind: 'status', status: 429, retryAfter: 1 } });
    const begun = performance.now();
    expect((await service.post({ user_id: 'ann', message: 'Hello!' })).status).toBe(200);
    expect(performance.now() - begun).toBeGreaterThan(950);
    expect(fault.struck).toBe(1);
  });
});

describe('a turn with functions', () => {
  it.each(['responses', 'completions'] as const)(
    'at %s costs what all of its rounds cost',
    async (backend) => {
      const hook = await startHook(() => '"ok"');
      const file = path.join(await temporaryFolder(), 'assistant.json');
      const tool = {
        type: 'function',
        function: { name: 'order' },
        'x-webhook': { url: hook.url, allow_unverified: true },
      };
      await writeFile(file, JSON.stringify({ model: 'gpt-6-luna', tools: [tool] }));
      const answer = () => 'one two three four';
      const { service, emulator } = await startBoth({
        backend,
        env: { ASSISTANT_FILE: file },
        emulator: { answer },
      });
      await service.post({ user_id: 'ann', message: 'Hello!' });
      emulator.callTools = ({ round }) => (round < 2 ? [{ name: 'order', arguments: '{}' }] : []);
      await service.post({ user_id: 'bob', message: 'Hello!' });
      const log = await service.finalLog();
      const usageOf = (user: string) => Object(log[user]?.[0]?.usage);
      expect(usageOf('ann').input).toBeGreaterThan(0);
      // Three rounds, each told at least what the one round of the other visitor was told.
      expect(usageOf('bob').input).toBeGreaterThanOrEqual(3 * usageOf('ann').input);
      expect(usageOf('bob').output).toBeGreaterThan(usageOf('ann').output);
    },
  );
});

describe('how a run went', () => {
  it.each(BACKENDS)('is recorded with the exchange, at %s', async (backend) => {
    const hook = await startHook(() => '"ok"');
    const file = path.join(await temporaryFolder(), 'assistant.json');
    const tools = ['order', 'stock'].map((name) => ({
      type: 'function',
      function: { name },
      'x-webhook': { url: hook.url, allow_unverified: true },
    }));
    await writeFile(file, JSON.stringify({ model: 'gpt-6-luna', tools }));
    const { service, emulator } = await startBoth({ backend, env: { ASSISTANT_FILE: file } });
    emulator.callTools = ({ round }) =>
      round === 0 ? ['order', 'stock'].map((name) => ({ name, arguments: '{}' })) : [];
    await service.post({ user_id: 'ann', message: 'Hello!' });
    emulator.fail({ fault: { kind: 'status', status: 400 } });
    emulator.fail({ fault: { kind: 'status', status: 400 } });
    await service.post({ user_id: 'ann', message: 'And?' });
    const ms = expect.any(Number);
    const run = { backend, model: 'gpt-6-luna', queuedMs: ms, totalMs: ms };
    expect((await service.finalLog()).ann).toMatchObject([
      { run: { ...run, firstWordMs: ms, tools: ['order', 'stock'] } },
      { bot: null, run },
    ]);
  });

  it('names the backend that answered in the end', async () => {
    const second = await startEmulator();
    const { service, emulator } = await startBoth({
      env: { FALLBACK_BACKEND: 'completions', FALLBACK_BASE_URL: second.url, FALLBACK_MODEL: 'another' },
    });
    await emulator.stopListening();
    await service.post({ user_id: 'ann', message: 'Hello!' });
    expect((await service.finalLog()).ann).toMatchObject([
      { run: { backend: 'completions', model: 'another' } },
    ]);
  });
});

const startTwo = async (env: Record<string, string> = {}) => {
  const first = await startEmulator();
  const second = await startEmulator();
  const service = await startService({
    ...upstreamEnv(first),
    FALLBACK_BACKEND: 'completions',
    FALLBACK_BASE_URL: second.url,
    FALLBACK_MODEL: 'another',
    ...env,
  });
  return { first, second, service };
};

const told = z.object({ id: z.string(), session_token: z.string().optional() });

describe('a turn that ends before its answer', () => {
  it('by RUN_TIMEOUT does not ask the fallback, nor rest the first upstream', async () => {
    const { service, first, second } = await startTwo({ RUN_TIMEOUT: '900ms' });
    await service.post({ user_id: 'ann', message: 'Hello!' });
    // The headers are there in time; the words are not.
    first.fail({ on: 'responses', fault: { kind: 'hold' } });
    const { status } = await service.post({ user_id: 'ann', message: 'And?' });
    expect(status).toBe(504);
    expect((await service.post({ user_id: 'ann', message: 'Hello again!' })).status).toBe(200);
    expect(second.calls.total).toBe(0);
  });

  it('by a stop does not ask the fallback, nor rest the first upstream', async () => {
    const { service, first, second } = await startTwo();
    first.fail({ on: 'responses', fault: { kind: 'hold' } });
    const asked = first.next('responses');
    const { events } = await service.stream({ user_id: 'ann', message: 'Hello!' });
    const accepted = await events.next();
    await asked;
    const { id, session_token: bearer } = told.parse(accepted.value?.data);
    expect((await callApi(service, 'DELETE', `/api/chat/${id}`, { bearer })).status).toBe(204);
    expect((await service.post({ user_id: 'ann', message: 'And now?' })).status).toBe(200);
    expect(second.calls.total).toBe(0);
  });
});

/** An upstream that answers whole and then goes on in its own way; counts its connections. */
const startEnding = async (goOn: (outgoing: ServerResponse) => void) => {
  let connections = 0;
  let closed = 0;
  const server = createServer((incoming, outgoing) => {
    incoming.resume();
    if (incoming.method !== 'POST') return void outgoing.writeHead(404).end();
    outgoing.on('close', () => {
      closed += 1;
    });
    outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
    outgoing.write(
      'data: {"choices":[{"delta":{"content":"Hi."},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
    );
    goOn(outgoing);
  });
  server.keepAliveTimeout = 60_000;
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/v1`, connections: () => connections, closed: () => closed };
};

describe('what is left of a stream after its end', () => {
  it('is read, so that the connection is used again', async () => {
    const upstream = await startEnding((outgoing) => setTimeout(() => outgoing.end(': bye\n\n'), 50));
    const service = await startService(upstreamEnv(upstream, 'completions'));
    for (const message of ['one', 'two', 'three']) {
      expect((await service.post({ user_id: 'ann', message })).status).toBe(200);
      await expect.poll(upstream.closed).toBe({ one: 1, two: 2, three: 3 }[message]);
    }
    // One for the look at the model, which may come beside the first message.
    expect(upstream.connections()).toBeLessThanOrEqual(2);
  });

  it('is not read without end: the connection is closed', async () => {
    const upstream = await startEnding((outgoing) => {
      const timer = setInterval(() => outgoing.write(': more\n\n'), 20);
      outgoing.on('close', () => clearInterval(timer));
    });
    const service = await startService(upstreamEnv(upstream, 'completions'));
    expect((await service.post({ user_id: 'ann', message: 'Hello!' })).status).toBe(200);
    await expect.poll(upstream.closed, { timeout: 5_000 }).toBe(1);
  });
});
