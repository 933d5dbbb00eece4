import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callApi, SITE_KEY } from '../helpers/api.ts';
import { startDatabases, type TestDatabases } from '../helpers/postgres.ts';
import { startBoth, startEmulator, startService, upstreamEnv } from '../helpers/service.ts';

const OPS_TOKEN = 'ops-token-of-at-least-thirty-two-characters';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
});
afterAll(() => databases.dispose());

const json = (body: object) => ({ json: body });
const NUL = 'a\0b';

/** Each text that a request may carry, with a NUL in it, and the field that the refusal names. */
const REFUSED: readonly [method: string, path: string, call: Parameters<typeof callApi>[3], field: RegExp][] =
  [
    ['POST', '/api/chat', json({ message: NUL }), /^message /],
    ['POST', '/api/chat', json({ message: 'Hi', user_id: NUL }), /^user_id /],
    ['POST', '/api/chat', json({ message: 'Hi', session_token: NUL }), /^session_token /],
    ['POST', '/api/session', { bearer: SITE_KEY, ...json({ user_id: NUL }) }, /^user_id /],
    ['POST', '/api/session', { bearer: SITE_KEY, ...json({ user_id: 'ann', name: NUL }) }, /^name /],
    ['POST', '/api/feedback', json({ id: NUL, rating: 'up' }), /^id /],
    ['POST', '/api/feedback', json({ id: 'x', rating: 'up', comment: NUL }), /^comment /],
    ['POST', '/api/feedback', json({ id: 'x', rating: 'up', session_token: NUL }), /^session_token /],
    ['GET', '/api/history?before=a%00b', { bearer: SITE_KEY }, /^before /],
    ['GET', '/api/history?user_id=a%00b', { bearer: SITE_KEY }, /^user_id /],
    ['GET', '/api/sessions?after=a%00b', { bearer: OPS_TOKEN }, /^after /],
    ['DELETE', '/api/ops/visitors/user/a%00b', { bearer: OPS_TOKEN }, /^id /],
    ['DELETE', '/api/ops/documents/a%00b', { bearer: OPS_TOKEN }, /^id /],
    ['GET', '/api/ops/documents/search?q=a%00b', { bearer: OPS_TOKEN }, /^q /],
    ['GET', '/?username=a%00b', {}, /^username /],
  ];

/** What names something that is not there, whatever characters it has. */
const NOT_FOUND: readonly [method: string, path: string, call: Parameters<typeof callApi>[3]][] = [
  ['GET', '/api/chat/a%00b/events', {}],
  ['DELETE', '/api/chat/a%00b', {}],
];

/** Searches of operators, who find nothing by it. */
const SEARCHES = [
  '/api/ops/export?q=a%00b',
  '/api/ops/export?who=a%00b&code=a%00b',
  '/ops/conversations?q=a%00b',
];

describe('a NUL', () => {
  it('in any text that is read is refused, and the field named; both stores take the same', async () => {
    const emulator = await startEmulator();
    const env = { ...upstreamEnv(emulator), SITE_KEYS: SITE_KEY, OPS_TOKEN };
    const DATABASE_URL = await databases.newDatabase();
    const SESSION_SECRET = 'a-secret-of-the-test-0123456789abcdef';
    for (const store of [{}, { DATABASE_URL, SESSION_SECRET }]) {
      const service = await startService({ ...env, ...store });
      for (const [method, path, call, field] of REFUSED) {
        const { status, code, body } = await callApi(service, method, path, call);
        const what = `${method} ${path} ${JSON.stringify(call)}`;
        expect([status, code], what).toEqual([400, 'invalid_request']);
        expect(body.error?.detail, what).toMatch(field);
      }
      for (const [method, path, call] of NOT_FOUND) {
        const { status, code } = await callApi(service, method, path, call);
        expect([status, code], `${method} ${path}`).toEqual([404, 'not_found']);
      }
      for (const path of SEARCHES) {
        const { status } = await callApi(service, 'GET', path, { bearer: OPS_TOKEN });
        expect([200, 400], path).toContain(status);
      }
      await service.stop();
    }
    expect(emulator.requests.filter(({ path }) => !path.includes('/models'))).toEqual([]);
  });

  it('in a field that nobody reads is ignored with the field', async () => {
    const { service } = await startBoth();
    const answer = await service.post({ message: 'Hi', mood: NUL, [NUL]: { deep: [NUL] } });
    expect(answer.status).toBe(200);
    expect(JSON.stringify(await service.finalLog())).not.toContain('\\u0000');
  });
});
