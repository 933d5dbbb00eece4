import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { callApi } from '../helpers/api.ts';
import { startBoth, startService, type TestService } from '../helpers/service.ts';

const OPS = 'ops-token-of-at-least-thirty-two-characters';
const answer = z.object({
  sessions: z.array(z.looseObject({ kind: z.string(), messages: z.number(), last_seen: z.number() })),
  after: z.string().optional(),
});
const sessionsOf = async (service: TestService, bearer: string, query = '') =>
  answer.parse((await callApi(service, 'GET', `/api/sessions${query}`, { bearer })).body);

describe('GET /api/sessions', () => {
  it('lists visitors with their messages and when they were last seen, page by page', async () => {
    const { service } = await startBoth({ env: { OPS_TOKEN: OPS } });
    for (const user_id of ['ann', 'bob', 'ann']) await service.post({ user_id, message: 'Hi' });
    await service.post({ message: 'Hi' });
    const first = await sessionsOf(service, OPS, '?limit=2');
    const rest = await sessionsOf(service, OPS, `?limit=2&after=${encodeURIComponent(first.after ?? '')}`);
    expect(rest.after).toBeUndefined();
    const all = [...first.sessions, ...rest.sessions];
    expect(all).toHaveLength(3);
    expect(all).toContainEqual({ kind: 'user', user_id: 'ann', messages: 2, last_seen: expect.anything() });
    expect(all.find(({ kind }) => kind === 'anonymous')).toMatchObject({ messages: 1 });
    for (const { last_seen } of all) expect(Math.abs(last_seen - Date.now() / 1000)).toBeLessThan(60);
  });

  it.each(['limit=0', 'limit=x', `after=${'x'.repeat(201)}`, 'after=a%00'])(
    'does not take ?%s',
    async (query) => {
      const { service } = await startBoth({ env: { OPS_TOKEN: OPS } });
      const { status, code } = await callApi(service, 'GET', `/api/sessions?${query}`, { bearer: OPS });
      expect([status, code]).toEqual([400, 'invalid_request']);
    },
  );

  it('opens to the token that was made at the first start, which the log does not show', async () => {
    const { service } = await startBoth();
    const file = path.join(service.dir, 'ops-token');
    const token = (await readFile(file, 'utf8')).trim();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await sessionsOf(service, token)).toEqual({ sessions: [] });
    const lines = JSON.stringify(service.lines);
    expect(lines).toContain(file);
    expect(lines).not.toContain(token);
    await service.stop();
    const again = await startService({ DATA_DIR: service.dir });
    expect(await sessionsOf(again, token)).toEqual({ sessions: [] });
  });

  it('is off in production without a token in the settings', async () => {
    const { service } = await startBoth({ env: { NODE_ENV: 'production' } });
    for (const bearer of [undefined, '', OPS]) {
      const { status, code } = await callApi(service, 'GET', '/api/sessions', { bearer });
      expect([status, code]).toEqual([404, 'not_found']);
    }
    const given = await startBoth({ env: { NODE_ENV: 'production', OPS_TOKEN: OPS } });
    expect(await sessionsOf(given.service, OPS)).toEqual({ sessions: [] });
  });
});

describe('GET /api/models', () => {
  it("tells the assistant's name and model, and nothing else of it", async () => {
    const { service } = await startBoth();
    const { status, body } = await callApi(service, 'GET', '/api/models');
    expect([status, body]).toEqual([200, { models: [{ name: 'Assistant', model: 'gpt-6-luna' }] }]);
    const offline = await callApi(await startService(), 'GET', '/api/models');
    expect(offline.body).toEqual({ models: [{ name: 'Assistant', model: 'offline' }] });
  });
});
