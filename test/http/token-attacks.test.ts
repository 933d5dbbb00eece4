import { sign } from 'hono/jwt';
import { describe, expect, it } from 'vitest';
import { type ApiAnswer, callApi, SITE_KEY } from '../helpers/api.ts';
import { startBoth, startService, type TestService, upstreamEnv } from '../helpers/service.ts';

const SECRET = 'a-secret-of-at-least-thirty-two-characters';
const OLD = 'an-older-secret-of-thirty-two-characters';
const env = { SESSION_SECRET: SECRET, SITE_KEYS: SITE_KEY };

const now = () => Math.floor(Date.now() / 1000);
const good = () => ({
  typ: 'session',
  sid: 's',
  sub: 'ann',
  jti: 't',
  beg: now(),
  iat: now(),
  exp: now() + 60,
});
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const tampered = async (change: (parts: string[]) => string[]) =>
  change((await sign(good(), SECRET)).split('.')).join('.');

const ATTACKS: Record<string, () => Promise<string> | string> = {
  'alg none': () => `${part({ alg: 'none', typ: 'JWT' })}.${part(good())}.`,
  'alg None with a signature': () =>
    tampered(([, claims = '', sig = '']) => [part({ alg: 'None', typ: 'JWT' }), claims, sig]),
  'another algorithm with the right key': () => sign(good(), SECRET, 'HS384'),
  'a header that tells another algorithm': () =>
    tampered(([, claims = '', sig = '']) => [part({ alg: 'HS512', typ: 'JWT' }), claims, sig]),
  'another key': () => sign(good(), OLD),
  'a site key as key': () => sign(good(), SITE_KEY),
  'an edited payload': () =>
    tampered(([head = '', , sig = '']) => [head, part({ ...good(), sub: 'bob' }), sig]),
  'no signature': () => tampered(([head = '', claims = '']) => [head, claims, '']),
  'a part too many': () => tampered((parts) => [...parts, 'x']),
  'a beginning in the future': () => sign({ ...good(), nbf: now() + 60 }, SECRET),
  'an issue in the future': () => sign({ ...good(), iat: now() + 60 }, SECRET),
  'another purpose': () => sign({ ...good(), typ: 'ops' }, SECRET),
  'a user_id that is no text': () => sign({ ...good(), sub: 7 }, SECRET),
  'an end that is no number': () => sign({ ...good(), exp: Number.NaN }, SECRET),
};

/** Every way in that a token opens. */
const WAYS: ((service: TestService, bearer: string) => Promise<ApiAnswer>)[] = [
  (service, bearer) => callApi(service, 'POST', '/api/chat', { bearer, json: { message: 'Hi' } }),
  (service, token) =>
    callApi(service, 'POST', '/api/chat', { json: { message: 'Hi', session_token: token } }),
  (service, bearer) => callApi(service, 'GET', '/api/history', { bearer }),
  (service, bearer) => callApi(service, 'DELETE', '/api/history', { bearer }),
  (service, bearer) => callApi(service, 'POST', '/api/session/refresh', { bearer }),
  (service, bearer) => callApi(service, 'POST', '/refresh_token', { bearer }),
  (service, token) => callApi(service, 'POST', '/api/clear', { json: { session_id: token } }),
  (service, Authorization) =>
    callApi(service, 'POST', '/chat', { json: { query: 'Hi' }, headers: { Authorization } }),
  (service, token) => callApi(service, 'PUT', `/chat/${token}`, { json: { payload: 'Hi' } }),
  (service, token) => callApi(service, 'GET', `/chat_history/${token}`),
  (service, bearer) => callApi(service, 'DELETE', '/api/session', { bearer }),
];

const outcomes = async (service: TestService, token: string) => {
  const all = [];
  for (const way of WAYS) {
    const { status, code } = await way(service, token);
    all.push(`${status} ${code}`);
  }
  return new Set(all);
};

describe('a token', () => {
  it.each(Object.keys(ATTACKS))('with %s opens nothing', async (name) => {
    const { service, emulator } = await startBoth({ env });
    const token = (await ATTACKS[name]?.()) ?? '';
    expect(await outcomes(service, token)).toEqual(new Set(['401 session_invalid']));
    expect(emulator.calls.responses).toBe(0);
  });

  it('that has expired opens nothing', async () => {
    const { service } = await startBoth({ env });
    const token = await sign({ ...good(), exp: now() - 1 }, SECRET);
    expect(await outcomes(service, token)).toEqual(new Set(['401 session_expired']));
  });

  it('that was ended opens nothing, however its signature is written', async () => {
    const { service } = await startBoth({ env });
    const token = await sign(good(), SECRET);
    expect((await callApi(service, 'DELETE', '/api/session', { bearer: token })).status).toBe(204);
    expect(await outcomes(service, token)).toEqual(new Set(['401 session_expired']));
    for (const bits of ['=', 'A'])
      for (const end of await outcomes(service, token + bits)) expect(end).toMatch(/^401 /);
    // Base64 leaves two bits of a 256-bit signature's last letter unused: the same token in other letters.
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = letters.indexOf(token.at(-1) ?? '');
    const twin = token.slice(0, -1) + letters[(last & ~3) | ((last + 1) & 3)];
    for (const outcome of await outcomes(service, twin)) expect(outcome).toMatch(/^401 /);
  });

  it('of another visitor opens only what is that one’s', async () => {
    const { service } = await startBoth({ env });
    await service.post({ user_id: 'ann', message: 'My secret.' }, { Authorization: `Bearer ${SITE_KEY}` });
    const bob = await sign({ ...good(), sub: 'bob', jti: 'b' }, SECRET);
    const asAnn = await callApi(service, 'GET', '/api/history?user_id=ann', { bearer: bob });
    expect([asAnn.status, asAnn.code]).toEqual([403, 'user_mismatch']);
    expect((await callApi(service, 'GET', '/api/history', { bearer: bob })).body.history).toEqual([]);
    await callApi(service, 'DELETE', '/api/history', { bearer: bob });
    const ann = await callApi(service, 'GET', '/api/history', { bearer: await sign(good(), SECRET) });
    expect(ann.body.history).toHaveLength(1);
  });

  it('outlives the change of the secret while the old one stands second, and not longer', async () => {
    const { service, emulator } = await startBoth({ env: { ...env, SESSION_SECRET: OLD } });
    const { body } = await callApi(service, 'POST', '/api/session');
    const bearer = body.session_token ?? '';
    await service.stop();
    const base = { ...upstreamEnv(emulator), ...env, DATA_DIR: service.dir };
    const both = await startService({ ...base, SESSION_SECRET: `${SECRET},${OLD}` });
    const { body: next } = await callApi(both, 'POST', '/api/session/refresh', { bearer });
    expect(next.session_id).toBe(body.session_id);
    const kept = await callApi(both, 'POST', '/api/session');
    await both.stop();
    const alone = await startService(base);
    expect(await outcomes(alone, bearer)).toEqual(new Set(['401 session_invalid']));
    for (const { session_token } of [next, kept.body])
      expect((await callApi(alone, 'GET', '/api/history', { bearer: session_token })).status).toBe(200);
  });
});
