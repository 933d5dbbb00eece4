import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { callApi, SITE_KEY } from '../../helpers/api.ts';
import { startBoth, type TestService } from '../../helpers/service.ts';

const answered = z.object({
  answer: z.string(),
  response: z.string(),
  session_id: z.string(),
  session_token: z.string().optional(),
});
const env = { SITE_KEYS: SITE_KEY, OPS_TOKEN: 'ops-token-of-at-least-thirty-two-characters' };

const say = async (service: TestService, body: object) => {
  const { status, body: got } = await service.post(body);
  expect(status).toBe(200);
  return answered.parse(got);
};

describe('a client of the session API', () => {
  it('makes the calls of its documentation', async () => {
    const { service } = await startBoth({ env });
    // Client 1 has no session yet; its next message carries what the answer gave.
    const first = await say(service, { message: 'My name is Ann.' });
    expect(first.response).toBe(first.answer);
    expect(first.session_id).toBe(first.session_token);
    const other = await say(service, { message: 'Hello!' });
    expect(other.session_id).not.toBe(first.session_id);
    const second = await say(service, { message: 'What did I say first?', session_id: first.session_id });
    expect(second.response).toContain('My name is Ann.');
    expect(second.session_id).toBe(first.session_id);
    expect(second.session_token).toBeUndefined();

    const cleared = await callApi(service, 'POST', '/api/clear', { json: { session_id: first.session_id } });
    expect([cleared.status, cleared.body]).toMatchObject([200, { success: true }]);
    const after = await say(service, { message: 'What did I say first?', session_id: first.session_id });
    expect(after.response).not.toContain('My name is Ann.');

    expect((await callApi(service, 'GET', '/api/models')).status).toBe(200);
    expect((await callApi(service, 'GET', '/api/sessions', { bearer: env.OPS_TOKEN })).body).toMatchObject({
      sessions: expect.arrayContaining([expect.objectContaining({ messages: 1 })]),
    });
  });

  it.each(['abc123', 7, {}, '', null, 'x'.repeat(5_000), 'a.b.c'])(
    'begins a new session under an id that is not one of ours (%#)',
    async (session_id) => {
      const { service } = await startBoth({ env });
      const { session_id: given } = await say(service, { message: 'Hello!', session_id });
      expect(given).not.toBe(session_id);
      expect((await callApi(service, 'GET', '/api/history', { bearer: given })).body.history).toHaveLength(1);
    },
  );

  it('begins a new session when its own has ended', async () => {
    const { service } = await startBoth({ env });
    const { session_id } = await say(service, { message: 'My name is Ann.' });
    await callApi(service, 'DELETE', '/api/session', { bearer: session_id });
    const next = await say(service, { message: 'What did I say first?', session_id });
    expect(next.session_id).not.toBe(session_id);
    expect(next.response).not.toContain('Ann');
  });

  it('goes on as the verified visitor whose token it has, and as no other', async () => {
    const { service } = await startBoth({ env });
    const { body } = await callApi(service, 'POST', '/api/session', {
      bearer: SITE_KEY,
      json: { user_id: 'ann' },
    });
    const session_id = body.session_token;
    expect((await say(service, { message: 'Hello!', session_id })).session_id).toBe(session_id);
    const asBob = await service.post({ message: 'Hello!', session_id, user_id: 'bob' });
    expect([asBob.status, asBob.body.error?.code]).toEqual([403, 'user_mismatch']);
    expect((await service.finalLog()).ann).toHaveLength(1);
  });

  it('is told no more than before where it is no session', async () => {
    const { service } = await startBoth({ env });
    const { body } = await service.post({ message: 'Hello!', user_id: 'ann' });
    expect(Object.keys(body).toSorted()).toEqual(['answer', 'id']);
  });

  it('cannot clear what it has no token for', async () => {
    const { service } = await startBoth({ env });
    const clear = async (json: object) => {
      const { status, code } = await callApi(service, 'POST', '/api/clear', { json });
      return `${status} ${code}`;
    };
    expect(await clear({})).toBe('401 session_required');
    expect(await clear({ session_id: 'abc123' })).toBe('401 session_invalid');
    expect(await clear({ session_id: 7 })).toBe('400 invalid_request');
    expect(await clear({ session_id: 'x'.repeat(70_000) })).toBe('413 body_too_large');
    const plain = await fetch(`${service.url}/api/clear`, { method: 'POST', body: '{}' });
    expect(plain.status).toBe(415);
  });

  it('gets neither the fields nor the route where it is off', async () => {
    const { service } = await startBoth({ env: { ...env, DIALECTS: 'token,sse,socket' } });
    const { body } = await service.post({ message: 'Hello!', session_id: 7 });
    expect(Object.keys(body).toSorted()).toEqual(['answer', 'id', 'session_token']);
    expect((await callApi(service, 'POST', '/api/clear', { json: {} })).status).toBe(404);
  });
});
