import { describe, expect, it } from 'vitest';
import { callApi, SITE_KEY } from '../helpers/api.ts';
import { startBoth, startService, upstreamEnv } from '../helpers/service.ts';

const env = { SITE_KEYS: `another-key-of-at-least-thirty-two-characters,${SITE_KEY}` };

describe('POST /api/session', () => {
  it('begins an anonymous session that goes on in one conversation', async () => {
    const { service } = await startBoth({ env: { SESSION_TTL: '1h' } });
    const { status, body } = await callApi(service, 'POST', '/api/session', { json: { name: ' Zoë ' } });
    expect(status).toBe(201);
    expect(body).toMatchObject({ user_id: 'anonymous', name: 'Zoë' });
    expect(Math.abs((body.expires_at ?? 0) - Date.now() / 1000 - 3600)).toBeLessThan(5);
    await service.post({ message: 'I like figs.', session_token: body.session_token });
    const again = await service.post({ message: 'What did I say first?', session_token: body.session_token });
    expect(again.body.answer).toContain('I like figs.');
    expect(again.body.session_token).toBeUndefined();
    const log = await service.finalLog();
    expect(new Set(log.anonymous?.map(({ session }) => session))).toEqual(new Set([body.session_id]));
  });

  it('takes a request without a body, and one without a name', async () => {
    const { service } = await startBoth();
    expect((await callApi(service, 'POST', '/api/session')).status).toBe(201);
    expect((await callApi(service, 'POST', '/api/session', { json: {} })).status).toBe(201);
    // As pages do whose calls all have the same headers.
    const headers = { 'Content-Type': 'application/json' };
    expect((await callApi(service, 'POST', '/api/session', { headers })).status).toBe(201);
    const text = { 'Content-Type': 'text/plain' };
    expect((await callApi(service, 'POST', '/api/session', { headers: text })).status).toBe(415);
    expect(await callApi(service, 'POST', '/api/session', { json: { name: '' } })).toMatchObject({
      status: 400,
      code: 'invalid_request',
    });
  });

  it('gives a named token to a site key alone', async () => {
    const { service } = await startBoth({ env });
    const json = { user_id: 'ann' };
    for (const bearer of [undefined, 'wrong', `${SITE_KEY}x`, '']) {
      const refused = await callApi(service, 'POST', '/api/session', { bearer, json });
      expect([refused.status, refused.code]).toEqual([403, 'forbidden']);
      expect(refused.body.session_token).toBeUndefined();
    }
    const { status, body } = await callApi(service, 'POST', '/api/session', { bearer: SITE_KEY, json });
    expect([status, body.user_id]).toEqual([201, 'ann']);
    await service.post({ message: 'Hello!', session_token: body.session_token });
    const beside = await service.post({ message: 'Hi', user_id: 'ann', session_token: body.session_token });
    expect(beside.status).toBe(200);
    const other = await service.post({ message: 'Hi', user_id: 'bob', session_token: body.session_token });
    expect(other.body.error?.code).toBe('user_mismatch');
    expect(Object.keys(await service.finalLog())).toEqual(['ann']);
  });

  it('is counted with the messages by address, and by visitor with a site key', async () => {
    const { service } = await startBoth({ env: { ...env, RATE_LIMIT: '2/1h' } });
    const anonymous = await callApi(service, 'POST', '/api/session');
    expect(anonymous.headers.get('ratelimit')).toMatch(/^limit=2, remaining=1/);
    expect((await service.post({ message: 'Hi' })).status).toBe(200);
    expect(await callApi(service, 'POST', '/api/session')).toMatchObject({
      status: 429,
      code: 'rate_limited',
    });
    for (const user_id of ['a', 'b', 'c']) {
      const one = await callApi(service, 'POST', '/api/session', { bearer: SITE_KEY, json: { user_id } });
      expect([one.status, one.headers.get('ratelimit')]).toEqual([201, expect.stringMatching(/remaining=1/)]);
    }
  });
});

describe('POST /api/session/refresh', () => {
  it('gives a new token and the recent history, and ends the old token', async () => {
    const { service } = await startBoth();
    const first = await callApi(service, 'POST', '/api/session', { json: { name: 'Zoë' } });
    const old = first.body.session_token;
    await service.post({ message: 'I like figs.', session_token: old });
    const { status, body } = await callApi(service, 'POST', '/api/session/refresh', { bearer: old });
    expect(status).toBe(200);
    expect(body).toMatchObject({ session_id: first.body.session_id, name: 'Zoë' });
    expect(body.history).toMatchObject([{ user: 'I like figs.' }]);
    const gone = await service.post({ message: 'Hi', session_token: old });
    expect([gone.status, gone.body.error?.code]).toEqual([401, 'session_expired']);
    const next = await service.post({ message: 'What did I say first?', session_token: body.session_token });
    expect(next.body.answer).toContain('I like figs.');
  });

  it('needs a token', async () => {
    const { service } = await startBoth({ env });
    const none = await callApi(service, 'POST', '/api/session/refresh');
    expect([none.status, none.code]).toEqual([401, 'session_required']);
    const key = await callApi(service, 'POST', '/api/session/refresh', { bearer: SITE_KEY });
    expect([key.status, key.code]).toEqual([401, 'session_invalid']);
  });
});

describe('DELETE /api/session', () => {
  it('ends the token for good, also after a restart', async () => {
    const { service, emulator } = await startBoth();
    const { body } = await callApi(service, 'POST', '/api/session');
    const bearer = body.session_token;
    expect((await callApi(service, 'DELETE', '/api/session', { bearer })).status).toBe(204);
    const dead = { status: 401, code: 'session_expired' };
    expect(await callApi(service, 'DELETE', '/api/session', { bearer })).toMatchObject(dead);
    await service.stop();
    const again = await startService({ ...upstreamEnv(emulator), DATA_DIR: service.dir });
    expect(await callApi(again, 'POST', '/api/session/refresh', { bearer })).toMatchObject(dead);
    expect((await again.post({ message: 'Hi', session_token: bearer })).body.error?.code).toBe(
      'session_expired',
    );
  });
});
