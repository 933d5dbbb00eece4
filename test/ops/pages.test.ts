import { describe, expect, it } from 'vitest';
import { startEmulator, startService, upstreamEnv } from '../helpers/service.ts';

const OPS_TOKEN = 'ops-token-of-the-tests-0123456789abcdef';
const asOps = { Authorization: `Bearer ${OPS_TOKEN}` };

const started = async (env: Record<string, string> = {}) => {
  const emulator = await startEmulator();
  const service = await startService({ ...upstreamEnv(emulator), OPS_TOKEN, ...env });
  const get = (path: string, headers: Record<string, string> = asOps) =>
    fetch(service.url + path, { headers, redirect: 'manual' });
  return { service, emulator, get };
};

const PAGES = ['/ops', '/ops/conversations', '/ops/documents', '/ops/settings'];

/** Signs in as a browser does. */
const signIn = async (url: string) => {
  const answer = await fetch(`${url}/ops/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ token: OPS_TOKEN, next: '/ops/conversations?q=x' }),
  });
  const cookie = answer.headers.get('set-cookie') ?? '';
  return { answer, cookie, headers: { Cookie: cookie.split(';')[0] ?? '' } };
};

describe("the operators' pages", () => {
  it('show nothing to whoever is not signed in', async () => {
    const { get } = await started();
    for (const path of [...PAGES, '/ops/export', '/ops/live', '/ops/visitors/erase?v=u:ada']) {
      const answer = await get(path, {});
      expect(answer.status, path).toBe(401);
      expect(await answer.text()).not.toContain('Sign out');
      expect((await get(path, { Authorization: 'Bearer wrong' })).status, path).toBe(401);
      expect((await get(path, { Cookie: 'ops=99999999999.a.b' })).status, path).toBe(401);
    }
  });

  it('are not there where ops is off', async () => {
    const { get } = await started({ NODE_ENV: 'production', OPS_TOKEN: '' });
    for (const path of [...PAGES, '/ops/sign-in', '/metrics', '/api/ops/stats', '/api/ops/export'])
      expect((await get(path)).status, path).toBe(404);
  });

  it('sign an operator in with the token, and lead to the page that was asked for', async () => {
    const { service, get } = await started();
    const { answer, cookie, headers } = await signIn(service.url);
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe('/ops/conversations?q=x');
    expect(cookie).toMatch(/HttpOnly/);
    expect(cookie).toMatch(/SameSite=Strict/);
    for (const path of PAGES) expect((await get(path, headers)).status, path).toBe(200);
  });

  it('set a cookie over TLS that no other host of the domain can set', async () => {
    const { service } = await started({ PUBLIC_ORIGIN: 'https://chat.example.org' });
    expect((await signIn(service.url)).cookie).toMatch(/^__Host-ops=.*Secure/);
  });

  it('limit tries to guess the token for each address', async () => {
    const { service } = await started({ RATE_LIMIT: '1000/1m' });
    const tryOne = async () =>
      (
        await fetch(`${service.url}/ops/sign-in`, {
          method: 'POST',
          body: new URLSearchParams({ token: 'wrong' }),
        })
      ).status;
    for (let tries = 0; tries < 10; tries++) expect(await tryOne()).toBe(401);
    expect(await tryOne()).toBe(429);
  });

  it('take a form only from their own page', async () => {
    const { service } = await started();
    const { headers } = await signIn(service.url);
    const post = (path: string, fields: Record<string, string>, more: Record<string, string> = {}) =>
      fetch(service.url + path, {
        method: 'POST',
        redirect: 'manual',
        headers: { ...headers, ...more },
        body: new URLSearchParams(fields),
      });
    expect((await post('/ops/sign-out', { csrf: 'forged' })).status).toBe(403);
    expect((await post('/ops/documents/refresh', {})).status).toBe(403);
    expect((await post('/ops/visitors/erase', { v: 'u:ada', confirm: 'ada' })).status).toBe(403);
    const elsewhere = { 'Sec-Fetch-Site': 'cross-site' };
    expect((await post('/ops/sign-in', { token: OPS_TOKEN }, elsewhere)).status).toBe(403);
  });

  it('refuse a form that is not whole, and log no fault of ours', async () => {
    const { service } = await started();
    const { headers } = await signIn(service.url);
    const answer = await fetch(`${service.url}/ops/visitors/erase`, {
      method: 'POST',
      headers,
      body: new URLSearchParams({ v: 'nobody', csrf: 'forged' }),
    });
    expect(answer.status).toBe(400);
    expect(service.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('run no script and load nothing that is not theirs', async () => {
    const { get } = await started();
    for (const path of PAGES) {
      const answer = await get(path);
      const policy = answer.headers.get('content-security-policy') ?? '';
      expect(policy, path).toContain("default-src 'none'");
      expect(policy, path).not.toContain('unsafe');
      expect(await answer.text(), path).not.toMatch(/<script>|style="| on\w+="|(?:src|href)="https?:/);
    }
  });

  it('find a conversation by its words, and show what visitors wrote as text alone', async () => {
    const { service, get } = await started();
    const evil = '<img src=x onerror=alert(1)> Crème brûlée';
    await service.post({ user_id: 'ada', message: evil });
    await service.post({ user_id: 'bob', message: 'Where is my parcel?' });
    const long = await (await get(`/ops/conversations?q=${'x'.repeat(3_000)}`)).text();
    expect(long).not.toContain('Crème');
    const found = await (await get('/ops/conversations?q=creme+BRULEE')).text();
    expect(found).toContain('ada');
    expect(found).not.toContain('bob');
    expect(found).not.toContain('<img');
    const thread = await (await get('/ops/conversations?v=u:ada')).text();
    expect(thread).toContain('onerror=alert(1)');
    expect(thread).not.toContain('<img');
  });

  it('tell open pages at once that there is something new', async () => {
    const { service, get } = await started();
    const reader = (await get('/ops/live')).body?.pipeThrough(new TextDecoderStream()).getReader();
    const next = async () => (await reader?.read())?.value ?? '';
    expect(await next()).toContain('event: beat');
    await service.post({ user_id: 'ada', message: 'Hello' });
    expect(await next()).toContain('event: exchange');
    await reader?.cancel();
  });
});
