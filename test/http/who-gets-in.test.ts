import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { callApi, SITE_KEY } from '../helpers/api.ts';
import { startBoth } from '../helpers/service.ts';

const OPS_TOKEN = 'ops-token-of-at-least-thirty-two-characters';

const CALLERS = ['nobody', 'visitor', 'other', 'site', 'ops'] as const;
type Caller = (typeof CALLERS)[number];
/** The status, with the code of a refusal. */
type Outcome = string;

/** Who gets in: each route and method, and what becomes of each who calls it as the user `ann`, whose it is. */
const TABLE: Record<string, Record<Caller, Outcome>> = {
  'post /api/chat': everyone('200', {
    nobody: '401 session_required',
    other: '403 user_mismatch',
    ops: '401 session_invalid',
  }),
  // Whom a WebSocket is open to: socket-opening.test.ts.
  'get /api/chat/ws': everyone('400 invalid_request'),
  'get /api/chat/{id}/events': everyone('404 not_found', {
    visitor: '200',
    site: '200',
    ops: '401 session_invalid',
  }),
  'delete /api/chat/{id}': everyone('404 not_found', {
    visitor: '204',
    site: '204',
    ops: '401 session_invalid',
  }),
  'post /api/session': everyone('403 forbidden', { site: '201' }),
  'post /api/session/refresh': everyone('401 session_invalid', {
    nobody: '401 session_required',
    visitor: '200',
    other: '200',
  }),
  'delete /api/session': everyone('401 session_invalid', {
    nobody: '401 session_required',
    visitor: '204',
    other: '204',
  }),
  'get /api/history': everyone('200', {
    nobody: '401 session_required',
    other: '403 user_mismatch',
    ops: '401 session_invalid',
  }),
  'delete /api/history': everyone('204', {
    nobody: '401 session_required',
    other: '403 user_mismatch',
    ops: '401 session_invalid',
  }),
  'post /api/clear': everyone('401 session_required', {
    visitor: '200',
    other: '200',
    site: '400 invalid_request',
    ops: '401 session_invalid',
  }),
  'post /get_temp_api_key': everyone('403 forbidden', { site: '200' }),
  'post /api/start_chat': everyone('403 forbidden', { site: '200' }),
  'post /start_chat': everyone('403 forbidden', { site: '200' }),
  'get /chat': everyone('400 invalid_request'),
  'post /chat': everyone('401 session_invalid', {
    nobody: '401 session_required',
    visitor: '200',
    other: '200',
  }),
  'get /': everyone('200'),
  'put /chat/{session_id}': everyone('401 session_invalid', { visitor: '200', other: '200' }),
  'get /chat_history/{session_id}': everyone('401 session_invalid', { visitor: '200', other: '200' }),
  'get /sessions': everyone('403 forbidden', { ops: '200' }),
  'post /token': everyone('200'),
  'post /refresh_token': everyone('401 session_invalid', {
    nobody: '401 session_required',
    visitor: '200',
    other: '200',
  }),
  // Whose answers may be rated by whom: feedback.test.ts.
  'post /api/feedback': everyone('400 invalid_request'),
  'get /api/models': everyone('200'),
  'get /api/widget': everyone('200'),
  'get /api/sessions': everyone('403 forbidden', { ops: '200' }),
  'post /make_embedding': everyone('403 forbidden', { site: '415 unsupported_media_type' }),
  'post /api/make_embedding': everyone('403 forbidden', { site: '415 unsupported_media_type' }),
  'get /api/ops/stats': everyone('403 forbidden', { ops: '200' }),
  'get /api/ops/export': everyone('403 forbidden', { ops: '200' }),
  'delete /api/ops/visitors/{kind}/{id}': everyone('403 forbidden', { ops: '400 invalid_request' }),
  'get /api/ops/documents': everyone('403 forbidden', { ops: '200' }),
  'post /api/ops/documents': everyone('403 forbidden', { ops: '400 invalid_request' }),
  'get /api/ops/documents/search': everyone('403 forbidden', { ops: '200' }),
  'post /api/ops/documents/refresh': everyone('403 forbidden', { ops: '202' }),
  'delete /api/ops/documents/{id}': everyone('403 forbidden', { ops: '404 not_found' }),
  'get /healthz': everyone('200'),
  'get /readyz': everyone('200'),
  'get /openapi.json': everyone('200'),
};

function everyone(outcome: Outcome, but: Partial<Record<Caller, Outcome>> = {}): Record<Caller, Outcome> {
  return { nobody: outcome, visitor: outcome, other: outcome, site: outcome, ops: outcome, ...but };
}

/** What each older client's route needs to be looked at for who calls. */
const QUERIES: Record<string, string> = {
  'get /': '?username=ann',
  'get /api/ops/documents/search': '?q=shipping',
  'get /sessions': '?username=ann',
  'post /token': '?name=ann',
};

const startGuarded = async () => {
  const { service } = await startBoth({
    // The published chat windows have failures in their own form: dialects/published-doors.test.ts.
    env: { SITE_KEYS: SITE_KEY, OPS_TOKEN, DIALECTS: 'session,token,sse,socket' },
  });
  const tokenOf = async (user_id: string) =>
    (await callApi(service, 'POST', '/api/session', { bearer: SITE_KEY, json: { user_id } })).body
      .session_token;
  const bearerOf = async (caller: Caller) => {
    if (caller === 'visitor') return tokenOf('ann');
    if (caller === 'other') return tokenOf('bob');
    return { nobody: undefined, site: SITE_KEY, ops: OPS_TOKEN }[caller];
  };
  await tokenOf('ann');
  /** A path with the id of an exchange of the user's, where it takes one. */
  const pathOf = async (path: string, who: Caller = 'nobody') => {
    if (path.includes('{session_id}')) return path.replace('{session_id}', (await bearerOf(who)) ?? 'none');
    if (!path.includes('{id}')) return path;
    const said = await callApi(service, 'POST', '/api/chat', {
      bearer: SITE_KEY,
      json: { user_id: 'ann', message: 'Hello!' },
    });
    return path.replace('{id}', String(said.body.id));
  };
  return { service, bearerOf, pathOf };
};

describe('who gets in', () => {
  it('is told of every route that there is', async () => {
    const { service } = await startGuarded();
    const document = z
      .object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) })
      .parse(await (await fetch(`${service.url}/openapi.json`)).json());
    const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect([...routes, 'get /openapi.json'].toSorted()).toEqual(Object.keys(TABLE).toSorted());
  });

  it.each(Object.entries(TABLE))('%s', async (route, row) => {
    // One service a route: what one caller does to it must not decide what the next one gets.
    const { service, bearerOf, pathOf } = await startGuarded();
    const [method = '', template = ''] = route.split(' ');
    const isPost = method === 'post' || method === 'put';
    const outcomeOf = async (who: Caller): Promise<Outcome> => {
      const path = (await pathOf(template, who)) + (QUERIES[route] ?? '');
      const { status, code } = await callApi(
        service,
        method.toUpperCase(),
        isPost || !path.endsWith('history') ? path : `${path}?user_id=ann`,
        {
          bearer: await bearerOf(who),
          ...(isPost && !path.endsWith('refresh')
            ? { json: { user_id: 'ann', message: 'Hi', query: 'Hi', payload: 'Hi' } }
            : {}),
        },
      );
      return [status, code].filter((part) => part !== undefined).join(' ');
    };
    const outcomes: Partial<Record<Caller, Outcome>> = {};
    for (const who of CALLERS) outcomes[who] = await outcomeOf(who);
    expect(outcomes).toEqual(row);
  });

  it('is told in answers that no cache keeps and no browser guesses at', async () => {
    const { service, bearerOf, pathOf } = await startGuarded();
    const reads = Object.entries(TABLE).filter(
      ([route, row]) => route.startsWith('get ') && Object.values(row).some((outcome) => !/^2/.test(outcome)),
    );
    expect(reads.length).toBeGreaterThan(5);
    for (const [route] of reads) {
      for (const who of CALLERS) {
        const path = (await pathOf(route.slice('get '.length), who)) + (QUERIES[route] ?? '');
        const bearer = await bearerOf(who);
        const headers: Record<string, string> =
          bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` };
        const answer = await fetch(service.url + path, { headers });
        await answer.body?.cancel();
        const told = ['cache-control', 'x-content-type-options'].map((name) => answer.headers.get(name));
        expect(told, `${route} by ${who}`).toEqual([expect.stringContaining('no-store'), 'nosniff']);
      }
    }
  });

  it('and other methods are refused on each path, whoever calls', async () => {
    const { service, bearerOf } = await startGuarded();
    for (const path of new Set(Object.keys(TABLE).map((route) => route.split(' ')[1] ?? ''))) {
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
        if (`${method.toLowerCase()} ${path}` in TABLE) continue;
        // No exchange is called that, but it could be.
        if (method === 'DELETE' && path === '/api/chat/ws') continue;
        if (method === 'DELETE' && path.startsWith('/api/ops/documents/')) continue;
        for (const who of CALLERS) {
          const { status } = await callApi(service, method, path, { bearer: await bearerOf(who) });
          expect(status, `${method} ${path} as ${who}`).toBe(405);
        }
      }
    }
  });
});
