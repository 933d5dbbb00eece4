import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import type { ToolTurn } from '../../emulator/tools.ts';
import { callApi, SITE_KEY } from '../helpers/api.ts';
import { BACKENDS, type BackendName, startBoth, temporaryFolder } from '../helpers/service.ts';
import { startHook } from '../helpers/webhook.ts';

const SECRET = `whsec_${Buffer.from('a-secret-of-thirty-two-bytes-!!!').toString('base64')}`;

const tool = (name: string, url: string, more: object = {}) => ({
  type: 'function',
  function: { name, description: `Looks up ${name}`, parameters: { type: 'object', properties: {} } },
  'x-webhook': { url, allow_unverified: true, ...more },
});

const assistantFile = async (tools: readonly object[]): Promise<string> => {
  const file = path.join(await temporaryFolder(), 'assistant.json');
  await writeFile(file, JSON.stringify({ model: 'gpt-6-luna', instructions: 'Be helpful.', tools }));
  return file;
};

const start = async (backend: BackendName, tools: readonly object[], env: Record<string, string> = {}) =>
  startBoth({ backend, env: { ASSISTANT_FILE: await assistantFile(tools), HOOK_SECRET: SECRET, ...env } });

/** Calls these functions in the first round, and answers in the second. */
const once =
  (...names: string[]) =>
  ({ round }: ToolTurn) =>
    round === 0 ? names.map((name) => ({ name, arguments: '{"order":12345678901234567890}' })) : [];

describe.each(BACKENDS)('a function of the assistant at the %s backend', (backend) => {
  it('is called at its webhook, signed, and its result reaches the model', async () => {
    const hook = await startHook(() => '{"status":"on its way"}');
    const { service, emulator } = await start(backend, [
      tool('order', hook.url, { secret_env: 'HOOK_SECRET' }),
    ]);
    emulator.callTools = once('order');
    const { status, body } = await service.post({ user_id: 'ann', message: 'Where is my order?' });
    expect(status).toBe(200);
    expect(body.answer).toContain('on its way');

    const [call] = hook.calls;
    expect(hook.calls).toHaveLength(1);
    const headers = Object.fromEntries(
      Object.entries(call?.headers ?? {}).map(([name, value]) => [name, String(value)]),
    );
    expect(new Webhook(SECRET).verify(call?.body ?? '', headers)).toMatchObject({
      name: 'order',
      user_id: 'ann',
      verified: false,
      exchange_id: body.id,
      call_id: expect.any(String),
    });
    expect(call?.body).toContain('"arguments":{"order":12345678901234567890}');
    expect((await service.post({ user_id: 'ann', message: 'Thanks!' })).status).toBe(200);
  });

  it('is called beside the others, and again in later rounds', async () => {
    const waiting: (() => void)[] = [];
    const both = (): Promise<string> =>
      new Promise((resolve) => {
        waiting.push(() => resolve('"done"'));
        if (waiting.length >= 2) for (const go of waiting.splice(0)) go();
      });
    const hook = await startHook(both);
    const { service, emulator } = await start(backend, [tool('one', hook.url), tool('two', hook.url)]);
    emulator.callTools = ({ round }) =>
      round < 3 ? ['one', 'two'].map((name) => ({ name, arguments: '{}' })) : [];
    const { status } = await service.post({ user_id: 'ann', message: 'Look both up.' });
    expect(status).toBe(200);
    expect(hook.calls).toHaveLength(6);
  });

  it('that fails is told to the model as its result', async () => {
    const hook = await startHook(() => ({ status: 500, text: 'stack trace at /srv/secret' }));
    const { service, emulator } = await start(backend, [tool('order', hook.url)]);
    emulator.callTools = once('order');
    const { status, body } = await service.post({ user_id: 'ann', message: 'Where is my order?' });
    expect(status).toBe(200);
    expect(body.answer).toContain('500');
    expect(JSON.stringify(emulator.requests)).not.toContain('stack trace');
  });

  it('is called for a visitor whom a site key or its token verifies, with a word of it', async () => {
    const hook = await startHook(() => '"on its way"');
    const tools = [tool('order', hook.url, { secret_env: 'HOOK_SECRET', allow_unverified: false })];
    const { service, emulator } = await start(backend, tools, { SITE_KEYS: SITE_KEY });
    emulator.callTools = once('order');
    const asked = { user_id: 'ann', message: 'Where is my order?' };
    const byKey = await service.post(asked, { Authorization: `Bearer ${SITE_KEY}` });
    expect(byKey.body.answer).toContain('on its way');
    const session = await callApi(service, 'POST', '/api/session', {
      bearer: SITE_KEY,
      json: { user_id: 'bob' },
    });
    await service.post({ message: 'And mine?', session_token: session.body.session_token });
    const told = hook.calls.map(({ body }) => JSON.parse(body));
    expect(told).toMatchObject([
      { user_id: 'ann', verified: true },
      { user_id: 'bob', verified: true },
    ]);
  });

  it('that is not for everyone is not called for a visitor who is not verified', async () => {
    const hook = await startHook(() => '"secret"');
    const { service, emulator } = await start(backend, [
      tool('order', hook.url, { allow_unverified: false }),
    ]);
    emulator.callTools = once('order');
    const { status, body } = await service.post({ user_id: 'ann', message: 'Where is my order?' });
    expect(status).toBe(200);
    expect(body.answer).toMatch(/signed in/);
    expect(hook.calls).toHaveLength(0);
  });

  it('that the model calls without end fails the turn after eight rounds, and the thread goes on', async () => {
    const hook = await startHook(() => '"again"');
    const { service, emulator } = await start(backend, [tool('order', hook.url)]);
    emulator.callTools = () => [{ name: 'order', arguments: '{}' }];
    const { status, body } = await service.post({ user_id: 'ann', message: 'Where is my order?' });
    expect([status, body.error?.code]).toEqual([502, 'upstream_failed']);
    expect(hook.calls).toHaveLength(8);
    emulator.callTools = undefined;
    expect((await service.post({ user_id: 'ann', message: 'Hello?' })).status).toBe(200);
  });

  it('may take longer than STREAM_IDLE_TIMEOUT, but not than RUN_TIMEOUT', async () => {
    const slow = await startHook(() => new Promise((resolve) => setTimeout(() => resolve('"late"'), 400)));
    const { service, emulator } = await start(backend, [tool('order', slow.url)], {
      STREAM_IDLE_TIMEOUT: '100ms',
      RUN_TIMEOUT: '5s',
    });
    emulator.callTools = once('order');
    expect((await service.post({ user_id: 'ann', message: 'Where is it?' })).body.answer).toContain('late');

    const endless = await startHook(() => new Promise(() => undefined));
    const other = await start(backend, [tool('order', endless.url)], { RUN_TIMEOUT: '500ms' });
    other.emulator.callTools = once('order');
    const { status, body } = await other.service.post({ user_id: 'ann', message: 'Where is it?' });
    expect([status, body.error?.code]).toEqual([504, 'upstream_timeout']);
    other.emulator.callTools = undefined;
    expect((await other.service.post({ user_id: 'ann', message: 'Hello?' })).status).toBe(200);
  });
});
