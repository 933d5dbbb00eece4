import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { callApi, SITE_KEY } from '../helpers/api.ts';
import {
  startBoth,
  startService,
  type TestService,
  temporaryFolder,
  upstreamEnv,
} from '../helpers/service.ts';

const env = { SITE_KEYS: SITE_KEY };

/** A visitor with a token, who has said this. */
const visitorWho = async (service: TestService, ...said: string[]) => {
  const { body } = await callApi(service, 'POST', '/api/session');
  const token = body.session_token ?? '';
  for (const message of said) await service.post({ message, session_token: token });
  return token;
};

describe('GET /api/history', () => {
  it('gives the newest page first, each in order, and goes on to the older ones', async () => {
    const { service } = await startBoth();
    const bearer = await visitorWho(service, 'one', 'two', 'three', 'four', 'five');
    await visitorWho(service, 'a secret of another');
    const said = async (query: string) => {
      const { body, status, headers } = await callApi(service, 'GET', `/api/history${query}`, { bearer });
      expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
      return { said: body.history?.map(({ user }) => user), before: body.before, body };
    };
    const newest = await said('?limit=2');
    expect(newest.said).toEqual(['four', 'five']);
    expect(Object.keys(newest.body.history?.[0] ?? {})).toEqual(['id', 'user', 'bot', 'timestamp']);
    const older = await said(`?limit=2&before=${newest.before}`);
    expect(older.said).toEqual(['two', 'three']);
    const oldest = await said(`?limit=2&before=${older.before}`);
    expect([oldest.said, oldest.before]).toEqual([['one'], undefined]);
    expect((await said('')).said).toHaveLength(5);
    expect((await said('?before=nothing')).said).toEqual([]);
  });

  it('ends a page early where texts are long, so that no answer is larger than about a megabyte', async () => {
    const { service } = await startBoth({
      env: { MAX_MESSAGE_CHARS: '60000' },
      emulator: { answer: () => 'Yes.' },
    });
    const messages = Array.from({ length: 12 }, (_, n) => `${n} ${'x'.repeat(30_000)}`);
    const bearer = await visitorWho(service, ...messages);
    const told: string[] = [];
    let before: string | undefined;
    do {
      const query = before === undefined ? '' : `&before=${before}`;
      const { body } = await callApi(service, 'GET', `/api/history?limit=100${query}`, { bearer });
      expect(JSON.stringify(body).length).toBeLessThan(300_000);
      told.unshift(...(body.history ?? []).map(({ user }) => user));
      before = body.before;
    } while (before !== undefined);
    expect(told.map((text) => text.slice(0, 3))).toEqual(messages.map((text) => text.slice(0, 3)));
  });

  it('tells an exchange that is longer than a page alone', async () => {
    const answer = 'y'.repeat(300_000);
    const { service } = await startBoth({
      backend: 'completions',
      env: { MAX_ANSWER_TOKENS: '100000' },
      emulator: { answer: () => answer },
    });
    const bearer = await visitorWho(service, 'one', 'two');
    const { body } = await callApi(service, 'GET', '/api/history', { bearer });
    expect(body.history?.map(({ user, bot }) => [user, bot?.length])).toEqual([['two', 300_000]]);
    const older = await callApi(service, 'GET', `/api/history?before=${body.before}`, { bearer });
    expect(older.body.history?.map(({ user }) => user)).toEqual(['one']);
    expect(older.body.before).toBeUndefined();
  });

  it('tells as much of a text of an older log as an answer may cost', async () => {
    const dir = await temporaryFolder();
    const long = { user: 'q'.repeat(600_000), bot: 'a'.repeat(3_000_000), timestamp: 3, verified: true };
    const log = { ann: [{ user: 'short', bot: 'x'.repeat(524_288), timestamp: 2, verified: true }, long] };
    await writeFile(path.join(dir, 'conversations.json'), JSON.stringify(log));
    const service = await startService({ ...env, DATA_DIR: dir });
    const { body } = await callApi(service, 'GET', '/api/history?user_id=ann', { bearer: SITE_KEY });
    const size = ({ user, bot, truncated }: { user: string; bot: string | null; truncated?: unknown }) => [
      ...[user.length, bot?.length, truncated],
    ];
    expect(body.history?.map(size)).toEqual([[524_288, 524_288, true]]);
    const query = `/api/history?user_id=ann&before=${body.before}`;
    const older = await callApi(service, 'GET', query, { bearer: SITE_KEY });
    expect(older.body.history?.map(size)).toEqual([[5, 524_288, undefined]]);
  });

  it.each([
    'limit=0',
    'limit=101',
    'limit=x',
    'limit=1.5',
    `before=${'x'.repeat(129)}`,
    'before=a%00',
    'before=a&before=b',
  ])('does not take ?%s', async (query) => {
    const { service } = await startBoth();
    const bearer = await visitorWho(service);
    const { status, code, body } = await callApi(service, 'GET', `/api/history?${query}`, { bearer });
    expect([status, code]).toEqual([400, 'invalid_request']);
    expect(body.error?.detail).toMatch(/^(limit|before) must be /);
  });

  it('opens no transcript without proof, also not with a user_id', async () => {
    const { service } = await startBoth({ env });
    await service.post({ user_id: 'ann', message: 'My secret is 1234.' });
    for (const method of ['GET', 'DELETE']) {
      for (const query of ['', '?user_id=ann', '?session_token=x']) {
        const { status, code, body } = await callApi(service, method, `/api/history${query}`);
        expect([status, code, body.history]).toEqual([401, 'session_required', undefined]);
      }
      const other = await callApi(service, method, '/api/history?user_id=ann', {
        bearer: await visitorWho(service),
      });
      expect([other.status, other.code]).toEqual([403, 'user_mismatch']);
      const nobody = await callApi(service, method, '/api/history', { bearer: SITE_KEY });
      expect([nobody.status, nobody.code]).toEqual([400, 'invalid_request']);
    }
    expect((await service.finalLog()).ann).toHaveLength(1);
  });

  it('opens to a site key for the user_id beside it', async () => {
    const { service } = await startBoth({ env });
    await service.post({ user_id: 'ann', message: 'Hello!' }, { Authorization: `Bearer ${SITE_KEY}` });
    const { body } = await callApi(service, 'GET', '/api/history?user_id=ann', { bearer: SITE_KEY });
    expect(body.history).toMatchObject([{ user: 'Hello!' }]);
  });

  it('has a bucket of its own in the limit', async () => {
    const { service } = await startBoth({ env: { ...env, RATE_LIMIT: '3/1h' } });
    const bearer = await visitorWho(service, 'Hello!');
    const reads = [1, 2, 3, 4].map(() => callApi(service, 'GET', '/api/history', { bearer }));
    const answers = await Promise.all(reads);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, 200, 429]);
    expect(answers[0]?.headers.get('ratelimit-policy')).toBe('3;w=3600');
    expect((await service.post({ message: 'Hi' })).status).toBe(200);
    const bySite = await callApi(service, 'GET', '/api/history?user_id=ann', { bearer: SITE_KEY });
    expect([bySite.status, bySite.headers.get('ratelimit')]).toEqual([
      200,
      expect.stringMatching(/remaining=2/),
    ]);
  });
});

describe('DELETE /api/history', () => {
  it.each(['responses', 'assistants', 'completions'] as const)(
    'begins a new conversation without memory, for good (%s)',
    async (backend) => {
      const { service, emulator } = await startBoth({ backend });
      const bearer = await visitorWho(service, 'My secret is 1234.');
      const other = await visitorWho(service, 'I like figs.');
      expect((await callApi(service, 'DELETE', '/api/history', { bearer })).status).toBe(204);
      const after = await service.post({ message: 'What did I say first?', session_token: bearer });
      expect(after.body.answer).not.toContain('1234');
      const untouched = await service.post({ message: 'What did I say first?', session_token: other });
      expect(untouched.body.answer).toContain('I like figs.');
      await service.stop();
      const again = await startService({ ...upstreamEnv(emulator, backend), DATA_DIR: service.dir });
      const { body } = await callApi(again, 'GET', '/api/history', { bearer });
      expect(body.history?.map(({ user }) => user)).toEqual(['What did I say first?']);
      const log = await again.finalLog();
      expect(log.anonymous?.find(({ user }) => user.includes('1234'))).toMatchObject({ cleared: true });
    },
  );

  it('takes what was said from the log, too, with CLEAR_KEEPS_LOG=false', async () => {
    const { service } = await startBoth({ env: { CLEAR_KEEPS_LOG: 'false' } });
    const bearer = await visitorWho(service, 'My secret is 1234.');
    await visitorWho(service, 'I like figs.');
    await callApi(service, 'DELETE', '/api/history', { bearer });
    // At once: what is to be gone does not wait for the next rewrite.
    const text = await readFile(path.join(service.dir, 'conversations.json'), 'utf8');
    expect(text).toContain('I like figs.');
    expect(text).not.toContain('1234');
    expect((await service.finalLog()).anonymous).toHaveLength(1);
  });

  it('waits for the message that is being answered, and clears it with the rest', async () => {
    const { service } = await startBoth({ emulator: { pace: 20 } });
    const bearer = await visitorWho(service);
    const { events } = await service.stream({ message: 'My secret is 1234.', session_token: bearer });
    await events.next();
    expect((await callApi(service, 'DELETE', '/api/history', { bearer })).status).toBe(204);
    const { body } = await callApi(service, 'GET', '/api/history', { bearer });
    expect(body.history).toEqual([]);
    const after = await service.post({ message: 'What did I say first?', session_token: bearer });
    expect(after.body.answer).not.toContain('1234');
  });
});
