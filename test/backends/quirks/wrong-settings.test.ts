import { describe, expect, it } from 'vitest';
import { type BackendName, startEmulator, startService, upstreamEnv } from '../../helpers/service.ts';
import { badRequest, chunk, events, type Reply, refuses, startScripted } from './scripted-upstream.ts';

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
      badRequest('Bad seed.', 'seed\n"evil": {}'),
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
