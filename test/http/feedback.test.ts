import { describe, expect, it } from 'vitest';
import { callApi, SITE_KEY } from '../helpers/api.ts';
import { startService } from '../helpers/service.ts';

const start = () => startService({ SITE_KEYS: SITE_KEY, BACKEND: 'offline' });

describe('POST /api/feedback', () => {
  it('keeps what a visitor thinks of an answer: the last one counts, null takes it back', async () => {
    const service = await start();
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

  it('is open to the visitor whose answer it is, and to nobody else', async () => {
    const service = await start();
    const tokenOf = async (user_id: string) =>
      (await callApi(service, 'POST', '/api/session', { bearer: SITE_KEY, json: { user_id } })).body
        .session_token;
    const [ann, bob] = [await tokenOf('ann'), await tokenOf('bob')];
    const said = await callApi(service, 'POST', '/api/chat', { bearer: ann, json: { message: 'Hello!' } });
    const open = await service.post({ user_id: 'carl', message: 'Hello!' });
    const json = { id: said.body.id, rating: 'up' };
    const outcome = async (bearer: string | undefined, body: object) => {
      const { status, code } = await callApi(service, 'POST', '/api/feedback', { bearer, json: body });
      return code === undefined ? String(status) : `${status} ${code}`;
    };
    expect(await outcome(ann, json)).toBe('204');
    expect(await outcome(SITE_KEY, json)).toBe('204');
    expect(await outcome(bob, json)).toBe('404 not_found');
    expect(await outcome(undefined, json)).toBe('404 not_found');
    expect(await outcome('nonsense', json)).toBe('401 session_invalid');
    // Whoever knows the id of an open user's exchange, which nobody guesses, is that user.
    expect(await outcome(undefined, { id: open.body.id, rating: 'up' })).toBe('204');
    expect(await outcome(ann, { id: '2f1c9a52-5d0e-4a53-9c53-0d2a4a1f9a31', rating: 'up' })).toBe(
      '404 not_found',
    );
  });

  it.each([
    [{ rating: 'up' }, 'id'],
    [{ id: 'x' }, 'rating'],
    [{ id: 'x', rating: 'sideways' }, 'rating'],
    [{ id: 'x', rating: 'up', comment: 'x'.repeat(1_001) }, 'comment'],
    [{ id: 'x', rating: 'up', comment: 7 }, 'comment'],
    [{ id: 'x', rating: 'up', comment: 'a\0b' }, 'comment'],
    [[], 'The body'],
  ])('refuses %j', async (json, field) => {
    const service = await start();
    const { status, body } = await callApi(service, 'POST', '/api/feedback', { json });
    expect([status, body.error?.code]).toEqual([400, 'invalid_request']);
    expect(body.error?.message).toMatch(new RegExp(`^${field}`));
  });
});
