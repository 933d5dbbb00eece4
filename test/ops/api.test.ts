import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
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

/** Every file of a folder that has a text in it. */
const filesWith = async (dir: string, text: string): Promise<string[]> => {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.filter((one) => one.isFile())) {
    const file = path.join(entry.parentPath, entry.name);
    if ((await readFile(file)).includes(text)) found.push(entry.name);
  }
  return found;
};

describe("the operators' routes", () => {
  it('refuse whoever has not the ops token', async () => {
    const { service, get } = await started();
    const calls = [
      ['GET', '/metrics'],
      ['GET', '/api/ops/stats'],
      ['GET', '/api/ops/export'],
      ['DELETE', '/api/ops/visitors/user/ada'],
    ] as const;
    for (const [method, path] of calls) {
      for (const headers of [{}, { Authorization: 'Bearer wrong' }]) {
        expect((await fetch(service.url + path, { method, headers })).status, path).toBe(403);
      }
    }
    expect((await get('/api/ops/stats')).status).toBe(200);
  });

  it('open /metrics to everybody where METRICS_PUBLIC says so', async () => {
    const { get } = await started({ METRICS_PUBLIC: 'true' });
    expect((await get('/metrics', {})).status).toBe(200);
    expect((await get('/api/ops/stats', {})).status).toBe(403);
  });

  it('count turns, requests and refusals exactly', async () => {
    const { service, get } = await started({ DAILY_MESSAGES: '3' });
    for (let sent = 0; sent < 5; sent++) await service.post({ user_id: 'ada', message: 'Hello' });
    const text = await (await get('/metrics')).text();
    expect(text).toMatch(/^thread_proxy_turns_total\{outcome="answered",backend="responses"\} 3$/m);
    expect(text).toMatch(
      /^thread_proxy_http_requests_total\{method="POST",route="\/api\/chat",status="200"\} 3$/m,
    );
    expect(text).toMatch(
      /^thread_proxy_http_requests_total\{method="POST",route="\/api\/chat",status="429"\} 2$/m,
    );
    expect(text).toMatch(/^thread_proxy_refused_total\{code="budget_spent"\} 2$/m);
    expect(text).not.toContain('ada');
  });

  it('tell figures, and export what was said in each form', async () => {
    const { service, get } = await started();
    await service.post({ user_id: 'ada', message: '=HYPERLINK("http://evil")' });
    await service.post({ user_id: 'bob', message: 'Hello' });
    const stats = z.looseObject({ requests: z.number(), visitors: z.number(), answered: z.number() });
    expect(stats.parse(await (await get('/api/ops/stats?hours=1')).json())).toMatchObject({
      requests: 2,
      visitors: 2,
      answered: 2,
    });
    const log = z.record(z.string(), z.array(z.looseObject({ user: z.string() })));
    const json = log.parse(await (await get('/api/ops/export')).json());
    expect(json.bob?.map(({ user }) => user)).toEqual(['Hello']);
    const lines = (await (await get('/api/ops/export?format=jsonl&who=ada')).text()).trim().split('\n');
    expect(lines).toHaveLength(1);
    const csv = new Uint8Array(await (await get('/api/ops/export?format=csv')).arrayBuffer());
    expect([...csv.slice(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
    expect(new TextDecoder().decode(csv)).toContain(`"'=HYPERLINK(`);
  });

  it('erase every byte of a visitor, here and at the provider', async () => {
    const { service, get, emulator } = await started();
    await service.post({ user_id: 'ada', message: 'My secret is zanzibarquux.' });
    await service.post({ user_id: 'bob', message: 'I stay, says wombatplugh.' });
    const answer = await fetch(`${service.url}/api/ops/visitors/user/ada`, {
      method: 'DELETE',
      headers: asOps,
    });
    expect(await answer.json()).toEqual({ erased: 1, thread: 'deleted' });
    expect(await filesWith(service.dir, 'zanzibarquux')).toEqual([]);
    expect(await filesWith(service.dir, 'wombatplugh')).not.toEqual([]);
    expect(await (await get('/ops/conversations?v=u:ada')).text()).not.toContain('zanzibarquux');
    expect(emulator.requests.filter(({ method }) => method === 'DELETE')).toHaveLength(1);
    expect(await (await get('/ops/settings')).text()).not.toContain('zanzibarquux');
  });

  it("delete the provider's thread when a visitor clears its history", async () => {
    const { service, emulator } = await started();
    const { body } = await service.post({ message: 'Hello' });
    await fetch(`${service.url}/api/history`, {
      method: 'DELETE',
      headers: { Authorization: `Bearer ${body.session_token}` },
    });
    await service.stop();
    expect(emulator.requests.filter(({ method }) => method === 'DELETE')).toHaveLength(1);
  });
});

describe('what surrounds a turn', () => {
  it('masks what REDACT names in all that is written, and shows the visitor the original', async () => {
    const { service } = await started({ REDACT: 'email' });
    const { body } = await service.post({ user_id: 'ada', message: 'Write to ada@lovelace.example please' });
    expect(body.answer).toContain('ada@lovelace.example');
    const log = await service.finalLog();
    expect(log.ada?.[0]?.user).toBe('Write to [email] please');
    expect(await filesWith(service.dir, 'ada@lovelace.example')).toEqual([]);
  });

  it('sends what REDACT names to the upstream, unless REDACT_UPSTREAM masks it there, too', async () => {
    const message = 'Write to ada@lovelace.example or call +49 30 901820';
    for (const [more, isSent] of [
      [{}, true],
      [{ REDACT_UPSTREAM: 'true' }, false],
    ] as const) {
      const { service, emulator, get } = await started({ REDACT: 'email,phone', ...more });
      await service.post({ user_id: 'ada', message });
      // The second message is told of the first.
      await service.post({ user_id: 'ada', message: 'And now?' });
      const sent = JSON.stringify(emulator.requests.map(({ body }) => body));
      expect(sent.includes('ada@lovelace.example')).toBe(isSent);
      expect(sent.includes('901820')).toBe(isSent);
      const page = await (await get('/ops/conversations?v=u:ada')).text();
      expect(page).toContain('[email]');
      expect(page).not.toContain('ada@lovelace.example');
      await service.stop();
      for (const secret of ['ada@lovelace.example', '901820']) {
        expect(await filesWith(service.dir, secret)).toEqual([]);
        expect(JSON.stringify(service.lines)).not.toContain(secret);
      }
    }
  });

  it('refuses messages once the tokens of the day are spent, before a run is made', async () => {
    const { service, emulator } = await started({ DAILY_TOKENS: '1' });
    expect((await service.post({ user_id: 'ada', message: 'Hello' })).status).toBe(200);
    const before = emulator.requests.length;
    const refused = await service.post({ user_id: 'bob', message: 'Hello' });
    expect(refused.status).toBe(429);
    expect(refused.body.error?.code).toBe('budget_spent');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(emulator.requests).toHaveLength(before);
  });
});
