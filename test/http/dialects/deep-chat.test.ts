import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { callApi, SITE_KEY } from '../../helpers/api.ts';
import { connectPlain } from '../../helpers/plain-socket.ts';
import { startBoth, startService } from '../../helpers/service.ts';
import { dataOf, jsonOf, newSession, postJson, SSE } from './published.ts';

const PATH = '/api/chat/deep-chat';
const ask = (text: string, more: object = {}) => ({ messages: [{ role: 'user', text }], ...more });

describe('deep-chat', () => {
  it('sends a message and shows its answer, in one conversation per user_id', async () => {
    const { service } = await startBoth();
    const user_id = newSession();
    const first = await postJson(service, PATH, ask('My name is Ann.', { user_id }));
    expect(first.status).toBe(200);
    expect(z.object({ text: z.string() }).parse(await first.json()).text).toContain('My name is Ann.');
    const second = await jsonOf(await postJson(service, PATH, ask('What did I say first?', { user_id })));
    expect(second.text).toContain('My name is Ann.');
    expect((await service.finalLog())[user_id]).toHaveLength(2);
  });

  it('sends the whole dialogue: only the newest message of the visitor counts', async () => {
    const { service, emulator } = await startBoth();
    const messages = [
      { role: 'user', text: 'An old question' },
      { role: 'ai', text: 'An old answer' },
      { role: 'user', text: 'The new question' },
    ];
    expect(await jsonOf(await postJson(service, PATH, { messages }))).toMatchObject({
      text: expect.stringContaining('The new question'),
    });
    expect(JSON.stringify(emulator.requests)).not.toContain('An old');
  });

  it('streams the answer as events of text', async () => {
    const { service } = await startBoth();
    const events = z
      .array(z.object({ text: z.string() }))
      .parse(await dataOf(await postJson(service, PATH, ask('Hello!'), SSE)));
    expect(events.length).toBeGreaterThan(0);
    expect(events.map(({ text }) => text).join('')).toContain('Hello!');
  });

  it('shows a failure in a sentence, as JSON and in a stream', async () => {
    const { service, emulator } = await startBoth();
    emulator.fail({ on: 'responses', fault: { kind: 'status', status: 401 }, times: 2 });
    const failed = await postJson(service, PATH, ask('Hello!'));
    expect(failed.status).toBe(502);
    expect(await jsonOf(failed)).toEqual({ error: expect.any(String), code: 'upstream_unauthorized' });
    const events = await dataOf(await postJson(service, PATH, ask('Hello!'), SSE));
    expect(events).toEqual([{ error: expect.any(String) }]);
  });

  it.each([
    ['no messages', {}, 400],
    ['an empty list', { messages: [] }, 400],
    ['a message without text', { messages: [{ role: 'user' }] }, 400],
    ['a list of numbers', { messages: [1] }, 400],
  ])('is told what is wrong with %s', async (_, body, status) => {
    const { service } = await startBoth();
    const refused = await postJson(service, PATH, body);
    expect([refused.status, await jsonOf(refused)]).toMatchObject([status, { code: 'invalid_request' }]);
  });

  it('is told in a sentence that files cannot be sent', async () => {
    const { service } = await startBoth();
    const form = new FormData();
    form.append('files', new Blob(['x']), 'x.png');
    const refused = await fetch(service.url + PATH, { method: 'POST', body: form });
    expect(refused.status).toBe(400);
    expect((await jsonOf(refused)).error).toContain('Files cannot be sent');
  });

  it('is limited like any caller, and told so', async () => {
    const { service } = await startBoth({ env: { RATE_LIMIT: '1/1m' } });
    await postJson(service, PATH, ask('One'));
    const refused = await postJson(service, PATH, ask('Two'));
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).not.toBeNull();
    expect(await jsonOf(refused)).toEqual({ error: expect.any(String), code: 'rate_limited' });
  });

  it('talks over a WebSocket with a session token', async () => {
    const { service } = await startBoth({ env: { SITE_KEYS: SITE_KEY } });
    const session = await callApi(service, 'POST', '/api/session', {
      bearer: SITE_KEY,
      json: { user_id: 'ann' },
    });
    const socket = connectPlain(service, PATH, `?token=${session.body.session_token}`);
    const told = async (frame: string) =>
      z.record(z.string(), z.string()).parse(JSON.parse(await socket.say(frame)));
    expect(await told(JSON.stringify(ask('Hello!')))).toEqual({ text: expect.stringContaining('Hello!') });
    expect(await told('no JSON')).toEqual({ error: expect.any(String) });
  });

  it('is not there where DIALECTS leaves it out', async () => {
    const service = await startService({ DIALECTS: 'n8n' });
    expect((await postJson(service, PATH, ask('Hello!'))).status).toBe(405);
  });
});
