import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Fault } from '../../emulator/faults.ts';
import { startEmulator, startService, temporaryFolder, upstreamEnv } from '../helpers/service.ts';
import { startHook } from '../helpers/webhook.ts';

const ASK = 'What did I say first?';

const startTwo = async (env: Record<string, string> = {}) => {
  const first = await startEmulator();
  const second = await startEmulator();
  const service = await startService({
    ...upstreamEnv(first),
    FALLBACK_BACKEND: 'completions',
    FALLBACK_BASE_URL: second.url,
    FALLBACK_MODEL: 'another-model',
    RUN_TIMEOUT: '6s',
    ...env,
  });
  return { first, second, service };
};

describe('the fallback', () => {
  it('is not asked while the first upstream answers', async () => {
    const { service, second } = await startTwo();
    expect((await service.post({ user_id: 'ann', message: 'Hello!' })).status).toBe(200);
    expect(second.calls.total).toBe(0);
  });

  it('takes a message that the first could not, with the memory, and tells so', async () => {
    const { service, first, second } = await startTwo();
    await service.post({ user_id: 'ann', message: 'I like apples.' });
    await first.stopListening();
    const { status, body } = await service.post({ user_id: 'ann', message: ASK });
    expect(status).toBe(200);
    expect(body.answer).toContain('I like apples.');
    expect(second.requests.at(-1)?.body).toMatchObject({ model: 'another-model' });
    expect(service.lines.some(({ level, msg }) => level === 'warn' && msg.includes('fallback'))).toBe(true);
    const ready = await fetch(`${service.url}/readyz`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({ notes: [expect.stringContaining('fallback')] });
  });

  it('without threads of its own leaves the first upstream no thread that has not heard all', async () => {
    const { service, first, second } = await startTwo();
    await service.post({ user_id: 'ann', message: 'I like apples.' });
    await first.stopListening();
    await service.post({ user_id: 'ann', message: 'I like pears.' });
    expect(second.calls.completions).toBe(1);
    await service.stop();
    await first.listenAgain();
    const again = await startService({ ...upstreamEnv(first), DATA_DIR: service.dir });
    expect((await again.post({ user_id: 'ann', message: 'And now?' })).status).toBe(200);
    expect(JSON.stringify(first.requests)).toContain('I like pears.');
  });

  it('answers while the first rests, which is not asked again before', async () => {
    const { service, first, second } = await startTwo();
    first.fail({ on: 'responses', times: 3, fault: { kind: 'status', status: 500 } });
    await service.post({ user_id: 'ann', message: 'one' });
    const asked = first.calls.total;
    await service.post({ user_id: 'ann', message: 'two' });
    await service.post({ user_id: 'bob', message: 'one' });
    expect(first.calls.total).toBe(asked);
    expect(second.calls.completions).toBe(3);
  });

  it.each<[string, Fault]>([
    ['5xx', { kind: 'status', status: 503 }],
    ['429 past the retries', { kind: 'status', status: 429 }],
    ['429 of an account run dry', { kind: 'status', status: 429, code: 'insufficient_quota' }],
    ['a failed run', { kind: 'failed', afterDeltas: 0 }],
    ['no headers in time', { kind: 'hang-before-headers' }],
  ])('takes a message after %s', async (_, fault) => {
    const { service, first } = await startTwo();
    first.fail({ on: 'responses', times: 3, fault });
    expect((await service.post({ user_id: 'ann', message: 'Hello!' })).status).toBe(200);
  });

  it.each<[string, Fault, string]>([
    ['a message that the upstream rejects', { kind: 'status', status: 400 }, 'upstream_rejected'],
    ['a wrong key', { kind: 'status', status: 401 }, 'upstream_unauthorized'],
    ['a failure after the first word', { kind: 'cut', afterDeltas: 3 }, 'upstream_failed'],
  ])('is not asked for %s', async (_, fault, code) => {
    const { service, first, second } = await startTwo();
    first.pace = 2;
    first.fail({ on: 'responses', fault });
    const { body } = await service.post({ user_id: 'ann', message: 'Hello!' });
    expect(body.error?.code).toBe(code);
    expect(second.calls.total).toBe(0);
  });

  it('failing too is told like any upstream', async () => {
    const { service, first, second } = await startTwo();
    await Promise.all([first.stopListening(), second.stopListening()]);
    const { status, body } = await service.post({ user_id: 'ann', message: 'Hello!' });
    expect([status, body.error?.code]).toEqual([502, 'upstream_unreachable']);
  });
});

describe('a model that ends', () => {
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

  it.each([
    [30, true],
    [89, true],
    [200, false],
  ])('in %i days is told (%s), with /readyz still 200', async (days, told) => {
    const emulator = await startEmulator({ models: [{ id: 'gpt-6-luna', shutdown_date: inDays(days) }] });
    const looked = emulator.next('models.retrieve');
    const service = await startService(upstreamEnv(emulator));
    await looked;
    await service.post({ message: 'Hi' });
    const ready = await fetch(`${service.url}/readyz`);
    expect(ready.status).toBe(200);
    const notes = told ? { notes: [expect.stringContaining(inDays(days))] } : {};
    expect(await ready.json()).toEqual({ status: 'ok', ...notes });
    expect(
      service.lines.some(({ level, shutdown_date }) => level === 'warn' && shutdown_date === inDays(days)),
    ).toBe(told);
  });
});

describe('a function that was called at the first upstream', () => {
  it('is not called again by the fallback', async () => {
    const hook = await startHook(() => '"the order is placed"');
    const file = path.join(await temporaryFolder(), 'assistant.json');
    const parameters = { type: 'object', properties: {} };
    const tool = {
      type: 'function',
      function: { name: 'order', parameters },
      'x-webhook': { url: hook.url, allow_unverified: true },
    };
    await writeFile(file, JSON.stringify({ model: 'gpt-6-luna', tools: [tool] }));
    const { service, first, second } = await startTwo({ ASSISTANT_FILE: file });
    for (const emulator of [first, second]) {
      emulator.callTools = ({ round }) => (round === 0 ? [{ name: 'order', arguments: '{}' }] : []);
    }
    const called = first
      .next('responses')
      .then(() => first.fail({ on: 'responses', times: 3, fault: { kind: 'status', status: 500 } }));
    const { status, body } = await service.post({ user_id: 'ann', message: 'Order it.' });
    await called;
    expect([status, body.error?.code]).toEqual([502, 'upstream_failed']);
    expect(hook.calls).toHaveLength(1);
    expect(second.calls.total).toBe(0);
  });
});
