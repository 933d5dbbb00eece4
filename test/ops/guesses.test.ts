import { describe, expect, it } from 'vitest';
import { SITE_KEY } from '../helpers/api.ts';
import { startPostgres } from '../helpers/postgres.ts';
import { startService } from '../helpers/service.ts';
import { OPS_TOKEN, startOps } from './helper.ts';

const ROUTES = ['/api/ops/stats', '/metrics', '/api/sessions', '/api/ops/documents', '/ops'];

/** A service behind a proxy, and what becomes of a call from an address. */
const startBehindProxy = async (env: Record<string, string> = {}) => {
  const { service } = await startOps({ TRUST_PROXY: '1', SITE_KEYS: SITE_KEY, ...env });
  const call = async (from: string, token: string | undefined, route = '/api/ops/stats') => {
    const answer = await fetch(service.url + route, {
      headers: {
        'X-Forwarded-For': from,
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      },
    });
    await answer.body?.cancel();
    return answer;
  };
  const statuses = async (from: string, tokens: readonly (string | undefined)[]) => {
    const seen: number[] = [];
    for (const token of tokens) seen.push((await call(from, token)).status);
    return seen;
  };
  return { service, call, statuses };
};

const guesses = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => `guess-number-${n}-0123456789-0123456789`);

describe('whoever guesses the ops token as Bearer', () => {
  it('is heard ten times in 15 minutes, over all routes together', async () => {
    const { call, service } = await startBehindProxy();
    for (const [n, guess] of guesses(10).entries()) {
      const route = ROUTES[n % ROUTES.length];
      expect([401, 403], route).toContain((await call('203.0.113.1', guess, route)).status);
    }
    for (const route of ROUTES) {
      const refused = await call('203.0.113.1', 'one more', route);
      expect(refused.status, route).toBe(429);
      const after = Number(refused.headers.get('retry-after'));
      expect(after, route).toBeGreaterThan(880);
      expect(after, route).toBeLessThanOrEqual(900);
      // Otherwise the limit would only slow the answers down: the guess that is right would still open.
      expect((await call('203.0.113.1', OPS_TOKEN, route)).status, route).toBe(429);
      expect((await call('203.0.113.2', OPS_TOKEN, route)).status, route).toBe(200);
    }
    const refusal = await fetch(`${service.url}${ROUTES[0]}`, {
      headers: { Authorization: 'Bearer one more', 'X-Forwarded-For': '203.0.113.1' },
    });
    expect(await refusal.json()).toMatchObject({ error: { detail: expect.stringContaining('ops tokens') } });
    const metrics = await fetch(`${service.url}/metrics`, {
      headers: { Authorization: `Bearer ${OPS_TOKEN}`, 'X-Forwarded-For': '203.0.113.2' },
    });
    expect(await metrics.text()).toMatch(/limit="ops token"\} \d/);
  });

  it('spends nothing of others, with the right token, a site key or none', async () => {
    const { statuses } = await startBehindProxy();
    const rights = Array.from({ length: 30 }, () => OPS_TOKEN);
    expect(new Set(await statuses('203.0.113.1', rights))).toEqual(new Set([200]));
    const known = Array.from({ length: 30 }, (_, n) => (n % 2 ? SITE_KEY : undefined));
    expect(new Set(await statuses('203.0.113.1', known))).toEqual(new Set([403]));
    expect(await statuses('203.0.113.1', [...guesses(10), OPS_TOKEN])).toEqual([...Array(10).fill(403), 200]);
  });

  it('cannot go round it with RATE_LIMIT off, or by many calls at once', async () => {
    const { call } = await startBehindProxy({ RATE_LIMIT: 'off' });
    const all = await Promise.all(guesses(40).map((guess) => call('203.0.113.1', guess)));
    expect(all.filter(({ status }) => status === 403)).toHaveLength(10);
    expect(all.filter(({ status }) => status === 429)).toHaveLength(30);
  });

  it('has ten tries with all processes of a site together', async () => {
    const postgres = await startPostgres();
    const env = {
      ...{ DATABASE_URL: await postgres.newDatabase(), OPS_TOKEN },
      SESSION_SECRET: 'a-secret-of-the-test-0123456789abcdef',
    };
    try {
      const services = [await startService(env), await startService(env)];
      const seen: number[] = [];
      for (const [n, guess] of guesses(12).entries()) {
        const url = services[n % 2]?.url;
        const headers = { Authorization: `Bearer ${guess}` };
        seen.push((await fetch(`${url}/api/ops/stats`, { headers })).status);
      }
      expect(seen).toEqual([...Array(10).fill(403), 429, 429]);
      for (const service of services) await service.stop();
    } finally {
      await postgres.dispose();
    }
  });
});
