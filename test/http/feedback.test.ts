import { describe, expect, it } from 'vitest';
import { callApi, SITE_KEY } from '../helpers/api.ts';
import { startBoth, type TestService } from '../helpers/service.ts';
import { tokenFor } from '../helpers/sockets.ts';

const rate = (service: TestService, json: unknown, bearer?: string) =>
  callApi(service, 'POST', '/api/feedback', { json, bearer });

describe('POST /api/feedback', () => {
  it('shows it in the history: the last one counts, null takes it back', async () => {
    const service = (await startBoth()).service;
    const { body } = await service.post({ message: 'Hello!' });
    const { id, session_token: bearer } = body;
    const rate = (json: object) => callApi(service, 'POST', '/api/feedback', { bearer, json });
    const kept = async () =>
      (await callApi(service, 'GET', '/api/history', { bearer })).body.history?.[0]?.feedback;
    expect((await rate({ id, rating: 'up' })).status).toBe(204);
    expect(await kept()).toEqual({ rating: 'up' });
    expect((await rate({ id, rating: 'down', comment: ' Too long. ' })).status).toBe(204);
    expect(await kept()).toEqual({ rating: 'down', comment: 'Too long.' });
    expect((await rate({ id, rating: null })).status).toBe(204);
    expect(await kept()).toBe(undefined);
    expect((await rate({ id, rating: 'down' })).status).toBe(204);
    const log = await service.finalLog();
    expect(log.anonymous?.[0]).toMatchObject({ feedback: { rating: 'down' } });
  });

  it('keeps a rating with its comment beside the exchange, and takes it back', async () => {
    const { service } = await startBoth();
    const token = await tokenFor(service);
    const [kept, taken] = [
      await service.post({ message: 'one', session_token: token }),
      await service.post({ message: 'two', session_token: token }),
    ];
    const good = { id: kept.body.id, rating: 'up', comment: '  Just right \ud83d.  ' };
    expect((await rate(service, good, token)).status).toBe(204);
    // The token may stand in the body, as with messages.
    const bad = { id: taken.body.id, rating: 'down', session_token: token };
    expect((await rate(service, bad)).status).toBe(204);
    expect((await rate(service, { ...bad, rating: null, comment: 'nothing' })).status).toBe(204);
    const log = await service.finalLog();
    expect(log.anonymous).toMatchObject([
      { id: kept.body.id, feedback: { rating: 'up', comment: 'Just right \ufffd.' } },
      { id: taken.body.id },
    ]);
    expect(log.anonymous?.[1]).not.toHaveProperty('feedback');
  });

  it('is open to whoever may read the exchange, and to nobody else', async () => {
    const { service } = await startBoth({ env: { SITE_KEYS: SITE_KEY } });
    const said = async (body: object, bearer?: string) =>
      (await callApi(service, 'POST', '/api/chat', { json: { message: 'Hi', ...body }, bearer })).body;
    const [anonymous, open, verified] = [
      await said({}),
      await said({ user_id: 'ann' }),
      await said({ user_id: 'vera' }, SITE_KEY),
    ];
    const outcome = async (id: unknown, bearer?: string) => {
      const { status, code } = await rate(service, { id, rating: 'up' }, bearer);
      return code ?? status;
    };
    const other = await tokenFor(service);
    expect(await outcome(anonymous.id, anonymous.session_token)).toBe(204);
    expect(await outcome(anonymous.id)).toBe('not_found');
    expect(await outcome(anonymous.id, other)).toBe('not_found');
    expect(await outcome(anonymous.id, SITE_KEY)).toBe('not_found');
    expect(await outcome(open.id)).toBe(204);
    expect(await outcome(open.id, other)).toBe('not_found');
    expect(await outcome(verified.id, SITE_KEY)).toBe(204);
    expect(await outcome(verified.id, await tokenFor(service, 'vera'))).toBe(204);
    expect(await outcome(verified.id)).toBe('not_found');
    expect(await outcome(verified.id, 'nonsense')).toBe('session_invalid');
    expect(await outcome('00000000-0000-4000-8000-000000000000')).toBe('not_found');
  });

  it('is not accepted for what was cleared', async () => {
    const { service } = await startBoth();
    const token = await tokenFor(service);
    const { body } = await service.post({ message: 'one', session_token: token });
    await callApi(service, 'DELETE', '/api/history', { bearer: token });
    expect((await rate(service, { id: body.id, rating: 'up' }, token)).code).toBe('not_found');
  });

  it.each([
    [{ rating: 'up' }, /^id /],
    [{ id: 'x', rating: 'five' }, /^rating /],
    [{ id: 'x' }, /^rating /],
    [{ id: 'x', rating: 'up', comment: 'c'.repeat(1_001) }, /^comment /],
    [{ id: 'x', rating: 'up', comment: 'a\0b' }, /^comment /],
    [[], /object/],
  ])('refuses %j by the name of the field', async (body, detail) => {
    const { service } = await startBoth();
    const { status, body: told } = await rate(service, body);
    expect(status).toBe(400);
    expect(told.error?.detail).toMatch(detail);
  });

  it('is counted apart from messages', async () => {
    const { service } = await startBoth({ env: { RATE_LIMIT: '2/1h' } });
    const { body } = await service.post({ user_id: 'ann', message: 'Hi' });
    const opinion = { id: body.id, rating: 'up' };
    const codes = [];
    for (let n = 0; n < 3; n++) codes.push((await rate(service, opinion)).status);
    expect(codes).toEqual([204, 204, 429]);
    expect((await service.post({ user_id: 'ann', message: 'Still?' })).status).toBe(200);
  });
});
