import { describe, expect, it } from 'vitest';
import { startBoth, startService } from '../helpers/service.ts';

const get = async (url: string) => {
  const response = await fetch(url);
  return { status: response.status, body: await response.json() };
};

describe('health', () => {
  it('is told as 200 while the process lives and chats can be served', async () => {
    const service = await startService();
    expect(await get(`${service.url}/healthz`)).toEqual({ status: 200, body: { status: 'ok' } });
    expect(await get(`${service.url}/readyz`)).toEqual({ status: 200, body: { status: 'ok' } });
  });

  it('is told as 503 with the reason while the service stops, and still listens', async () => {
    const { service, emulator } = await startBoth();
    emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    const answer = service.post({ user_id: 'ann', message: 'Hello!' });
    await emulator.next('responses');
    const stopped = service.stop();
    expect(await get(`${service.url}/readyz`)).toEqual({
      status: 503,
      body: { status: 'unavailable', reason: 'shutting down' },
    });
    expect((await get(`${service.url}/healthz`)).status).toBe(200);
    const refused = await service.post({ user_id: 'bob', message: 'Hi' });
    expect([refused.status, refused.body.error?.code]).toEqual([503, 'shutting_down']);
    emulator.release();
    expect((await answer).status).toBe(200);
    await stopped;
  });
});

describe('readiness', () => {
  it('does not depend on whether the upstream takes the key', async () => {
    const { service, emulator } = await startBoth();
    emulator.fail({ on: 'responses', fault: { kind: 'status', status: 401 } });
    const refused = await service.post({ user_id: 'ann', message: 'Hello!' });
    expect([refused.status, refused.body.error?.code]).toEqual([502, 'upstream_unauthorized']);
    expect((await get(`${service.url}/readyz`)).status).toBe(200);
  });

  it('does not depend on whether the daily budget is spent', async () => {
    const service = await startService({ DAILY_MESSAGES: '1' });
    await service.post({ user_id: 'ann', message: 'One.' });
    const refused = await service.post({ user_id: 'ann', message: 'Two.' });
    expect([refused.status, refused.body.error?.code]).toEqual([429, 'budget_spent']);
    expect((await get(`${service.url}/readyz`)).status).toBe(200);
  });
});

describe('/openapi.json', () => {
  it("describes the routes by the routes' own schemas", async () => {
    const service = await startService({ MAX_MESSAGE_CHARS: '123' });
    const { status, body } = await get(`${service.url}/openapi.json`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      openapi: '3.1.0',
      paths: { '/api/chat': { post: {} }, '/healthz': { get: {} }, '/readyz': { get: {} } },
      components: {
        schemas: {
          ChatRequest: { required: ['message'], properties: { message: { type: 'string', maxLength: 123 } } },
          ChatAnswer: { required: ['answer', 'id'] },
          Error: { required: ['error'] },
        },
      },
    });
  });
});
