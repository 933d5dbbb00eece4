import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { callApi, SITE_KEY } from '../../helpers/api.ts';
import { startBoth } from '../../helpers/service.ts';
import { openSocket, tokenFor } from '../../helpers/sockets.ts';

const OPS_TOKEN = 'ops-token-of-at-least-thirty-two-characters';
const PAGE = 'https://www.example.org';
const start = (env: Record<string, string> = {}) =>
  startBoth({ env: { SITE_KEYS: SITE_KEY, OPS_TOKEN, ...env } });

/** Every call of an older client. `{token}` stands for a session token. */
const CALLS = [
  ['POST', '/api/clear'],
  ['POST', '/get_temp_api_key'],
  ['POST', '/api/start_chat'],
  ['POST', '/start_chat'],
  ['POST', '/chat'],
  ['GET', '/?username=TR'],
  ['PUT', '/chat/{token}'],
  ['GET', '/chat_history/{token}'],
  ['GET', '/sessions?username=TR'],
  ['POST', '/token?name=TR'],
  ['POST', '/refresh_token'],
] as const;

describe('the doors of the older clients', () => {
  it('are shut to a temporary key in the place of a session token', async () => {
    const { service, emulator } = await start();
    const response = await fetch(`${service.url}/get_temp_api_key`, {
      method: 'POST',
      headers: { 'X-API-Key': SITE_KEY },
    });
    const key = /"temp_api_key":"([^"]+)"/.exec(await response.text())?.[1] ?? '';
    expect(key.split('.')).toHaveLength(3);
    const codes = [
      await callApi(service, 'PUT', `/chat/${key}`, { json: { payload: 'Hi' } }),
      await callApi(service, 'POST', '/api/clear', { json: { session_id: key } }),
      await callApi(service, 'POST', '/api/chat', { json: { message: 'Hi', session_token: key } }),
      await callApi(service, 'DELETE', '/api/session', { bearer: key }),
    ].map(({ code }) => code);
    expect(codes).toEqual(codes.map(() => 'session_invalid'));
    const socket = await openSocket(service, { token: key });
    expect(await socket.closed).toEqual({ code: 1008, reason: 'session_invalid' });
    expect(emulator.calls.responses).toBe(0);
  });

  it.each(CALLS)('are shut to pages of other sites: %s %s', async (method, template) => {
    const { service } = await start({ ALLOWED_ORIGINS: PAGE });
    const path = template.replace('{token}', await tokenFor(service));
    const foreign = { Origin: 'https://other.example' };
    expect((await callApi(service, method, path, { headers: foreign })).code).toBe('origin_not_allowed');
    const { headers } = await fetch(service.url + path, {
      method: 'OPTIONS',
      headers: {
        Origin: PAGE,
        'Access-Control-Request-Method': method,
        'Access-Control-Request-Headers': 'x-api-key',
      },
    });
    expect(headers.get('access-control-allow-origin')).toBe(PAGE);
    expect(headers.get('access-control-allow-methods')).toContain(method);
    expect(headers.get('access-control-allow-headers')).toBe('x-api-key');
  });

  it('are shut to pages of other sites on every route that there is', async () => {
    const { service } = await start({ ALLOWED_ORIGINS: PAGE });
    const { paths } = z
      .object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) })
      .parse(await (await fetch(`${service.url}/openapi.json`)).json());
    const open = [];
    for (const [path, methods] of Object.entries(paths)) {
      for (const method of Object.keys(methods)) {
        const headers = { Origin: 'https://other.example' };
        const { code } = await callApi(service, method.toUpperCase(), path.replace(/[{}]/g, ''), { headers });
        if (code !== 'origin_not_allowed') open.push(`${method} ${path}`);
      }
    }
    expect(open).toEqual(['get /healthz', 'get /readyz']);
  });

  it.each(['all', 'none'])('leave no token in the log, however it is asked for (%s)', async (DIALECTS) => {
    const { service } = await start({ DIALECTS });
    const token = await tokenFor(service);
    const paths = ['/chat/', '/chat_history/', '//chat/', '/Chat/', '/x/y/', '/chat/%2F'];
    for (const path of paths) {
      for (const method of ['GET', 'PUT', 'POST']) {
        await callApi(service, method, path + token);
        await callApi(service, method, `${path}${token.replaceAll('.', '%2E')}/?token=${token}`);
      }
    }
    const log = JSON.stringify(service.lines);
    // The payload tells who it is, the signature makes it good.
    for (const part of token.split('.').slice(1)) expect(log).not.toContain(part);
  });
});
