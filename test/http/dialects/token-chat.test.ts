import { sign } from 'hono/jwt';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { callApi, SITE_KEY } from '../../helpers/api.ts';
import { allEvents } from '../../helpers/events.ts';
import { startBoth, startService, type TestService } from '../../helpers/service.ts';

const SECRET = 'a-secret-of-at-least-thirty-two-characters';
const env = { SITE_KEYS: SITE_KEY, SESSION_SECRET: SECRET };

const post = async (
  service: { url: string },
  path: string,
  headers: Record<string, string>,
  json?: object,
) => {
  const response = await fetch(service.url + path, {
    method: 'POST',
    headers: { ...headers, ...(json ? { 'Content-Type': 'application/json' } : {}) },
    ...(json ? { body: JSON.stringify(json) } : {}),
  });
  const body = z
    .looseObject({ error: z.object({ code: z.string() }).optional() })
    .parse(await response.json());
  return { status: response.status, code: body.error?.code, body, headers: response.headers };
};

const keyFrom = async (service: TestService): Promise<string> => {
  const { status, body } = await post(service, '/get_temp_api_key', { 'X-API-Key': SITE_KEY });
  expect(status).toBe(200);
  const key = z.object({ api_key: z.string(), temp_api_key: z.string(), expires_at: z.number() }).parse(body);
  expect(key.temp_api_key).toBe(key.api_key);
  expect(key.expires_at).toBeGreaterThan(Date.now() / 1000 + 3_000);
  return key.api_key;
};

const started = z.object({ jwt_token: z.string(), url: z.string() });
const startChat = async (service: TestService, key: string, path = '/api/start_chat') => {
  const { status, body } = await post(service, path, { 'X-API-Key': key });
  expect(status).toBe(200);
  return started.parse(body);
};

describe('a client of the token chat', () => {
  it.each(['/api', ''])('makes the calls of its documentation below "%s/"', async (prefix) => {
    const { service } = await startBoth({ env });
    const { jwt_token, url } = await startChat(service, await keyFrom(service), `${prefix}/start_chat`);
    expect(url).toBe(`${prefix}/chat`);
    const ask = (query: string) => post(service, url, { Authorization: jwt_token }, { query, url });
    const first = await ask('My name is Ann.');
    expect([first.status, first.body.query]).toEqual([200, 'My name is Ann.']);
    expect(first.body.answer).toEqual(expect.any(String));
    expect((await ask('What did I say first?')).body.answer).toContain('My name is Ann.');
    const log = await service.finalLog();
    expect(new Set(log.anonymous?.map(({ session }) => session)).size).toBe(1);
  });

  it('may begin with the site key itself, as Bearer too', async () => {
    const { service } = await startBoth({ env });
    await startChat(service, SITE_KEY);
    for (const path of ['/get_temp_api_key', '/api/start_chat', '/start_chat'])
      expect((await post(service, path, { Authorization: `Bearer ${SITE_KEY}` })).status).toBe(200);
  });

  it('gets two sessions that do not know of each other with the same key', async () => {
    const { service } = await startBoth({ env });
    const key = await keyFrom(service);
    const [one, two] = [await startChat(service, key), await startChat(service, key)];
    await post(service, '/chat', { Authorization: one.jwt_token }, { query: 'My name is Ann.' });
    const asked = { query: 'What did I say first?' };
    const { body } = await post(service, '/chat', { Authorization: two.jwt_token }, asked);
    expect(body.answer).not.toContain('Ann');
  });

  it('gets nothing without a good key', async () => {
    const { service } = await startBoth({ env });
    const token = (await callApi(service, 'POST', '/api/session')).body.session_token ?? '';
    const key = await keyFrom(service);
    const now = Math.floor(Date.now() / 1000);
    const bad = {
      none: {},
      wrong: { 'X-API-Key': 'x'.repeat(40) },
      'a session token': { 'X-API-Key': token },
      expired: { 'X-API-Key': await sign({ typ: 'temporary_key', exp: now - 1 }, SECRET) },
      'without an end': { 'X-API-Key': await sign({ typ: 'temporary_key' }, SECRET) },
      'another purpose': { 'X-API-Key': await sign({ typ: 'session', exp: now + 60 }, SECRET) },
      'another algorithm': {
        'X-API-Key': await sign({ typ: 'temporary_key', exp: now + 60 }, SECRET, 'HS384'),
      },
      'another secret': { 'X-API-Key': await sign({ typ: 'temporary_key', exp: now + 60 }, SITE_KEY) },
      'an edited end': { 'X-API-Key': key.replace(/\.[^.]+\./, '.e30.') },
    };
    for (const [name, headers] of Object.entries(bad)) {
      for (const path of ['/get_temp_api_key', '/api/start_chat', '/start_chat']) {
        const { status, code } = await post(service, path, headers);
        expect([status, code], `${path} with ${name}`).toEqual([403, 'forbidden']);
      }
    }
    // A temporary key begins sessions; it makes no further keys.
    expect((await post(service, '/get_temp_api_key', { 'X-API-Key': key })).status).toBe(403);
  });

  it('cannot use a temporary key as a session token, anywhere', async () => {
    const { service, emulator } = await startBoth({ env });
    const key = await keyFrom(service);
    for (const path of ['/chat', '/api/chat'])
      expect((await post(service, path, { Authorization: key }, { query: 'Hi' })).code).toBe(
        'session_invalid',
      );
    for (const [method, path] of [
      ['POST', '/api/chat'],
      ['GET', '/api/history'],
      ['POST', '/api/session/refresh'],
      ['POST', '/refresh_token'],
      ['GET', `/chat_history/${key}`],
    ] as const) {
      const json = path === '/api/chat' ? { json: { message: 'Hi' } } : {};
      expect((await callApi(service, method, path, { bearer: key, ...json })).code).toBe('session_invalid');
    }
    expect(emulator.calls.responses).toBe(0);
  });

  it('is told what is wrong', async () => {
    const { service } = await startBoth({ env });
    const { jwt_token } = await startChat(service, SITE_KEY);
    const ended = (await startChat(service, SITE_KEY)).jwt_token;
    await callApi(service, 'DELETE', '/api/session', { bearer: ended });
    for (const path of ['/chat', '/api/chat']) {
      const ask = async (token: string, json: object) => {
        const { status, code } = await post(service, path, { Authorization: token }, json);
        return `${status} ${code}`;
      };
      expect(await ask(jwt_token, {})).toBe('400 invalid_request');
      expect(await ask(jwt_token, { query: ' ' })).toBe('400 invalid_request');
      expect(await ask(jwt_token, { query: 'x'.repeat(4_001) })).toBe('400 invalid_request');
      expect(await ask(jwt_token, { query: 'x'.repeat(70_000) })).toBe('413 body_too_large');
      expect(await ask(`${jwt_token.slice(0, -9)}AAAAAAAAA`, { query: 'Hi' })).toBe('401 session_invalid');
      expect(await ask(ended, { query: 'Hi' })).toBe('401 session_expired');
      const plain = await fetch(service.url + path, {
        method: 'POST',
        headers: { Authorization: jwt_token, 'Content-Type': 'application/json' },
        body: '{',
      });
      expect(plain.status).toBe(400);
    }
    expect((await post(service, '/chat', {}, { query: 'Hi' })).code).toBe('session_required');
  });

  it('waits in the same queue', async () => {
    const { service, emulator } = await startBoth({ env: { ...env, MAX_WAITING: '0' } });
    const { jwt_token } = await startChat(service, SITE_KEY);
    emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    const { events } = await service.stream({ message: 'Hello!', session_token: jwt_token });
    expect((await events.next()).value?.event).toBe('accepted');
    for (const path of ['/chat', '/api/chat']) {
      const busy = await post(service, path, { Authorization: jwt_token }, { query: 'Hello again!' });
      expect([busy.status, busy.code]).toEqual([409, 'thread_busy']);
      expect(busy.headers.get('retry-after')).not.toBeNull();
    }
    emulator.release();
    expect((await allEvents(events)).at(-1)?.event).toBe('done');
  });

  it('may send a query again by its key', async () => {
    const { service, emulator } = await startBoth({ env });
    const { jwt_token } = await startChat(service, SITE_KEY);
    const headers = { Authorization: jwt_token, 'Idempotency-Key': 'one' };
    const answers = [];
    for (const path of ['/chat', '/api/chat', '/chat'])
      answers.push((await post(service, path, headers, { query: 'Hello!' })).body);
    expect(new Set(answers.map((body) => JSON.stringify(body))).size).toBe(1);
    expect(emulator.calls.responses).toBe(1);
    const other = await post(service, '/api/chat', headers, { query: 'Hello again!' });
    expect(other.code).toBe('idempotency_mismatch');
    const bad = { ...headers, 'Idempotency-Key': 'x'.repeat(256) };
    expect((await post(service, '/api/chat', bad, { query: 'Hi' })).status).toBe(400);
  });

  it('is counted with the messages, but not by address where a site key is', async () => {
    const { service } = await startBoth({ env: { ...env, RATE_LIMIT: '2/1h' } });
    for (let i = 0; i < 5; i++) await keyFrom(service);
    const key = await keyFrom(service);
    await startChat(service, key);
    const { jwt_token } = await startChat(service, key);
    const over = await post(service, '/api/start_chat', { 'X-API-Key': key });
    expect([over.status, over.code]).toEqual([429, 'rate_limited']);
    expect(over.headers.get('retry-after')).not.toBeNull();
    for (const path of ['/chat', '/api/chat'])
      expect((await post(service, path, { Authorization: jwt_token }, { query: 'Hi' })).status).toBe(429);
    expect((await service.post({ message: 'Hi' })).status).toBe(429);
  });

  it('leaves to our own form what comes with a bare token and a message', async () => {
    const { service } = await startBoth({ env });
    const { jwt_token } = await startChat(service, SITE_KEY);
    const { status, body } = await service.post(
      { message: 'Hi', user_id: 'ann' },
      { Authorization: jwt_token },
    );
    expect([status, Object.keys(body).toSorted()]).toEqual([200, ['answer', 'id']]);
  });

  it('gets nothing where it is off', async () => {
    const service = await startService({ ...env, DIALECTS: 'session' });
    for (const path of ['/get_temp_api_key', '/api/start_chat', '/start_chat', '/chat'])
      expect((await post(service, path, { 'X-API-Key': SITE_KEY }, { query: 'Hi' })).status).toBe(404);
    expect((await service.post({ query: 'Hi' }, { Authorization: 'a.b.c' })).body.error?.code).toBe(
      'invalid_request',
    );
  });
});
