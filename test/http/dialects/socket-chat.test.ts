import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { callApi } from '../../helpers/api.ts';
import { startBoth, startService, type TestService } from '../../helpers/service.ts';

const issued = z.object({ name: z.string(), token: z.string() });
const tokenFor = async (service: TestService, name: string) => {
  const response = await fetch(`${service.url}/token?name=${encodeURIComponent(name)}`, { method: 'POST' });
  expect(response.status).toBe(200);
  return issued.parse(await response.json());
};

describe('a client of the socket chat', () => {
  it('gets a token for its name, and what was said while its line was lost', async () => {
    const { service } = await startBoth();
    const { name, token } = await tokenFor(service, 'Zoë');
    expect(name).toBe('Zoë');
    await service.post({ message: 'Hello Bot', session_token: token });
    for (const round of [1, 2]) {
      const { status, body } = await callApi(service, 'POST', '/refresh_token', { bearer: token });
      expect(status, `round ${round}`).toBe(200);
      expect(body).toMatchObject({ name: 'Zoë', token, history: [{ user: 'Hello Bot' }] });
    }
  });

  it.each(['', '?name=', '?name=%20', `?name=${'x'.repeat(129)}`])(
    'is told that a name is missing: %s',
    async (query) => {
      const service = await startService();
      const response = await fetch(`${service.url}/token${query}`, { method: 'POST' });
      expect([response.status, await response.json()]).toEqual([
        400,
        {
          error: {
            code: 'invalid_request',
            message: expect.stringMatching(/^name /),
            request_id: expect.any(String),
          },
          detail: { loc: 'name', msg: expect.stringMatching(/^name /) },
        },
      ]);
    },
  );

  it('gets no history without a token that is active', async () => {
    const service = await startService();
    const { token } = await tokenFor(service, 'Ann');
    await callApi(service, 'DELETE', '/api/session', { bearer: token });
    const outcomes = [];
    for (const bearer of [undefined, 'nonsense', token]) {
      outcomes.push((await callApi(service, 'POST', '/refresh_token', { bearer })).code);
    }
    expect(outcomes).toEqual(['session_required', 'session_invalid', 'session_expired']);
  });

  it('is counted with the messages', async () => {
    const service = await startService({ RATE_LIMIT: '2/1h' });
    const { token } = await tokenFor(service, 'Ann');
    expect((await callApi(service, 'POST', '/refresh_token', { bearer: token })).status).toBe(200);
    const { status, code, body } = await callApi(service, 'POST', '/token?name=Ann');
    expect([status, code]).toEqual([429, 'rate_limited']);
    expect(body).not.toHaveProperty('detail');
  });

  it('gets nothing where it is off', async () => {
    const service = await startService({ DIALECTS: 'session,token,sse' });
    for (const path of ['/token?name=Ann', '/refresh_token'])
      expect((await callApi(service, 'POST', path)).status).toBe(404);
    const document = await (await fetch(`${service.url}/openapi.json`)).text();
    for (const path of ['"/token"', '"/refresh_token"']) expect(document).not.toContain(path);
    expect(document).toContain('"/chat_history/{session_id}"');
  });
});
