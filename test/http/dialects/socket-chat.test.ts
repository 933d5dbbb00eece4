import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { callApi } from '../../helpers/api.ts';
import { connectPlain } from '../../helpers/plain-socket.ts';
import { startBoth, startService, type TestService } from '../../helpers/service.ts';

const OPS_TOKEN = 'ops-token-of-at-least-thirty-two-characters';

const issued = z.object({ name: z.string(), token: z.string() });
const tokenFor = async (service: TestService, name: string) => {
  const response = await fetch(`${service.url}/token?name=${encodeURIComponent(name)}`, { method: 'POST' });
  expect(response.status).toBe(200);
  return issued.parse(await response.json());
};

describe('a client of the socket chat', () => {
  it('makes the calls of its documentation', async () => {
    const { service } = await startBoth({ env: { OPS_TOKEN } });
    const { token } = await tokenFor(service, 'Ann');
    const chat = connectPlain(service, '/chat', `?token=${token}`);
    expect(await chat.say('Hello Bot, my name is Ann.')).toContain('Hello Bot');
    expect(await chat.say('What did I say first?')).toContain('my name is Ann.');
    chat.leave();
    expect(await chat.next()).toMatch(/^closed: /);
    const { body } = await callApi(service, 'POST', '/refresh_token', { bearer: token });
    expect(body.history?.map(({ user }) => user)).toEqual([
      'Hello Bot, my name is Ann.',
      'What did I say first?',
    ]);
    const again = connectPlain(service, '/chat', `?token=${token}`);
    expect(await again.say('What did I say first?')).toContain('my name is Ann.');
    const listed = await callApi(service, 'GET', '/sessions?username=Ann', { bearer: OPS_TOKEN });
    expect(listed.body).toMatchObject({ sessions: [{ name: 'Ann', messages: 3 }] });
  });

  it('gets whole answers, one frame each, in the order of its messages', async () => {
    const { service } = await startBoth({
      emulator: { answer: ({ message }) => `re:\n${message}`, pace: 1 },
    });
    const { token } = await tokenFor(service, 'Ann');
    const chat = connectPlain(service, '/chat', `?token=${token}`);
    const first = chat.say('one');
    expect(await first).toBe('re:\none');
    const [second, third] = [chat.say('two'), chat.say('{"type":"message"}')];
    expect(await second).toBe('re:\ntwo');
    expect(await third).toBe('re:\n{"type":"message"}');
  });

  it('is told in a sentence why there is no answer, and may go on', async () => {
    const { service, emulator } = await startBoth();
    const { token } = await tokenFor(service, 'Ann');
    const chat = connectPlain(service, '/chat', `?token=${token}`);
    expect(await chat.say(' ')).toBe('This message cannot be sent. It may be empty or too long.');
    emulator.fail({ on: 'responses', fault: { kind: 'status', status: 401 } });
    expect(await chat.say('Hi')).toBe('The assistant is not set up correctly.');
    expect(await chat.say('Hi')).toContain('Hi');
  });

  it('is closed with 1008 without a token that is good, and when it ends', async () => {
    const service = await startService();
    const { token } = await tokenFor(service, 'Ann');
    expect(await connectPlain(service, '/chat', '').next()).toBe('closed: 1008 session_required');
    expect(await connectPlain(service, '/chat', '?token=').next()).toBe('closed: 1008 session_required');
    expect(await connectPlain(service, '/chat', '?token=any').next()).toBe('closed: 1008 session_invalid');
    const chat = connectPlain(service, '/chat', `?token=${token}`);
    await chat.say('Hi');
    await callApi(service, 'DELETE', '/api/session', { bearer: token });
    expect(await chat.next()).toBe('closed: 1008 session_expired');
  });

  it('is refused from pages of other sites, and counted by the frame', async () => {
    const service = await startService({
      ALLOWED_ORIGINS: 'https://www.example.org',
      RATE_LIMIT: '2/1h',
    });
    const { token } = await tokenFor(service, 'Ann');
    const evil = connectPlain(service, '/chat', `?token=${token}`, { Origin: 'https://evil.example' });
    expect(await evil.next()).toContain('403');
    const chat = connectPlain(service, '/chat', `?token=${token}`);
    expect(await chat.say('Hi')).toContain('Hi');
    expect(await chat.say('Hi')).toBe('Too many messages. Please wait a moment.');
  });

  it('gets a token for its name, and what was said while its line was lost', async () => {
    const { service } = await startBoth();
    const { name, token } = await tokenFor(service, 'Zoë');
    expect(name).toBe('Zoë');
    await service.post({ message: 'Hello Bot', session_token: token });
    for (const round of [1, 2]) {
      const { status, body } = await callApi(service, 'POST', '/refresh_token', { bearer: token });
      expect(status, `round ${round}`).toBe(200);
      expect(body).toMatchObject({ name: 'Zoë', token, history: [{ user: 'Hello Bot' }] });
    }
  });

  it.each(['', '?name=', '?name=%20', `?name=${'x'.repeat(129)}`])(
    'is told that a name is missing: %s',
    async (query) => {
      const service = await startService();
      const response = await fetch(`${service.url}/token${query}`, { method: 'POST' });
      expect([response.status, await response.json()]).toEqual([
        400,
        {
          error: {
            code: 'invalid_request',
            message: expect.any(String),
            detail: expect.stringMatching(/^name /),
            request_id: expect.any(String),
          },
          detail: { loc: 'name', msg: expect.stringMatching(/^name /) },
        },
      ]);
    },
  );

  it('gets no history without a token that is active', async () => {
    const service = await startService();
    const { token } = await tokenFor(service, 'Ann');
    await callApi(service, 'DELETE', '/api/session', { bearer: token });
    const outcomes = [];
    for (const bearer of [undefined, 'nonsense', token]) {
      outcomes.push((await callApi(service, 'POST', '/refresh_token', { bearer })).code);
    }
    expect(outcomes).toEqual(['session_required', 'session_invalid', 'session_expired']);
  });

  it('is counted with the messages', async () => {
    const service = await startService({ RATE_LIMIT: '2/1h' });
    const { token } = await tokenFor(service, 'Ann');
    expect((await callApi(service, 'POST', '/refresh_token', { bearer: token })).status).toBe(200);
    const { status, code, body } = await callApi(service, 'POST', '/token?name=Ann');
    expect([status, code]).toEqual([429, 'rate_limited']);
    expect(body).not.toHaveProperty('detail');
  });

  it('gets nothing where it is off', async () => {
    const service = await startService({ DIALECTS: 'session,token,sse' });
    for (const path of ['/token?name=Ann', '/refresh_token'])
      expect((await callApi(service, 'POST', path)).status).toBe(404);
    expect(await connectPlain(service, '/chat', '?token=any').next()).toContain('405');
    const document = await (await fetch(`${service.url}/openapi.json`)).text();
    for (const path of ['"/token"', '"/refresh_token"']) expect(document).not.toContain(path);
    expect(document).toContain('"/chat_history/{session_id}"');
  });
});
