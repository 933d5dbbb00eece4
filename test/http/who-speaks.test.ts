import { sign } from 'hono/jwt';
import { describe, expect, it } from 'vitest';
import { allEvents } from '../helpers/events.ts';
import { startBoth } from '../helpers/service.ts';

const SECRET = 'a-secret-of-at-least-thirty-two-characters';

describe('an anonymous visitor', () => {
  it('gets a session token with the first answer and goes on with it, in the header or in the body', async () => {
    const { service } = await startBoth();
    const first = await service.post({ message: 'I like pears.' });
    const token = first.body.session_token;
    expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);

    const byHeader = await service.post(
      { message: 'What did I say first?' },
      { Authorization: `Bearer ${token}` },
    );
    expect(byHeader.body.answer).toContain('I like pears.');
    expect(byHeader.body.session_token).toBeUndefined();
    const byBody = await service.post({ message: 'What did I say first?', session_token: token });
    expect(byBody.body.answer).toContain('I like pears.');

    const log = await service.finalLog();
    expect(Object.keys(log)).toEqual(['anonymous']);
    expect(log.anonymous).toHaveLength(3);
    expect(new Set(log.anonymous?.map(({ session }) => session)).size).toBe(1);
  });

  it('gets the token with accepted and with done when the answer is streamed', async () => {
    const { service } = await startBoth();
    const { events } = await service.stream({ message: 'Hello!' });
    const all = await allEvents(events);
    expect(all[0]?.data.session_token).toMatch(/\./);
    expect(all.at(-1)?.data.session_token).toBe(all[0]?.data.session_token);
  });

  it.each([null, '', 'anonymous'])('is meant by the user_id %j', async (user_id) => {
    const { service } = await startBoth();
    const { body } = await service.post({ user_id, message: 'Hello!' });
    expect(body.session_token).toBeDefined();
    expect(Object.keys(await service.finalLog())).toEqual(['anonymous']);
  });

  it('shares no thread and no memory with another', async () => {
    const { service } = await startBoth();
    await service.post({ message: 'My secret is 1234.' });
    const { body } = await service.post({ message: 'What did I say first?' });
    expect(body.answer).not.toContain('1234');
    const log = await service.finalLog();
    expect(new Set(log.anonymous?.map(({ session }) => session)).size).toBe(2);
  });

  it('is not the user whose id is the session id', async () => {
    const { service } = await startBoth();
    const first = await service.post({ message: 'My secret is 1234.' });
    const claims = first.body.session_token?.split('.')[1] ?? '';
    const { sid } = JSON.parse(Buffer.from(claims, 'base64url').toString());
    const { body } = await service.post({ user_id: sid, message: 'What did I say first?' });
    expect(body.answer).not.toContain('1234');
  });
});

describe('a session token', () => {
  const now = () => Math.floor(Date.now() / 1000);
  const good = () => ({ typ: 'session', sid: 'some-session', iat: now(), exp: now() + 60 });
  const unsigned = () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    return `${part({ alg: 'none', typ: 'JWT' })}.${part(good())}.`;
  };
  const bad: Record<string, () => Promise<string> | string> = {
    'no token at all': () => 'hello',
    'an empty one': () => '',
    'one without a signature (alg none)': unsigned,
    'one signed with another key': () => sign(good(), 'another-secret-of-thirty-two-characters!'),
    'one signed with another algorithm': () => sign(good(), SECRET, 'HS512'),
    'one that begins in the future': () => sign({ ...good(), nbf: now() + 60 }, SECRET),
    'one for another purpose': () => sign({ ...good(), typ: 'upload' }, SECRET),
    'one without a session': () => sign({ typ: 'session', iat: now(), exp: now() + 60 }, SECRET),
    'one without an end': () => sign({ typ: 'session', sid: 'x', iat: now() }, SECRET),
    'an edited one': async () => {
      const [head, , signature] = (await sign(good(), SECRET)).split('.');
      const claims = Buffer.from(JSON.stringify({ ...good(), sid: 'other' })).toString('base64url');
      return `${head}.${claims}.${signature}`;
    },
  };

  it.each(Object.keys(bad))('is refused: %s', async (name) => {
    const { service, emulator } = await startBoth({ env: { SESSION_SECRET: SECRET } });
    const token = await bad[name]?.();
    const { status, body } = await service.post({ message: 'Hi' }, { Authorization: `Bearer ${token}` });
    expect([status, body.error?.code]).toEqual([401, 'session_invalid']);
    expect(emulator.calls.responses).toBe(0);
  });

  it('is refused as expired when its time is over', async () => {
    const { service } = await startBoth({ env: { SESSION_SECRET: SECRET } });
    const token = await sign({ ...good(), exp: now() - 1 }, SECRET);
    const { status, body } = await service.post({ message: 'Hi', session_token: token });
    expect([status, body.error?.code]).toEqual([401, 'session_expired']);
  });

  it('is valid under the previous secret while that is listed second', async () => {
    const old = 'an-older-secret-of-thirty-two-characters';
    const { service } = await startBoth({ env: { SESSION_SECRET: `${SECRET},${old}` } });
    const answer = await service.post({ message: 'Hi', session_token: await sign(good(), old) });
    expect(answer.status).toBe(200);
    const fresh = await service.post({ message: 'Hi' });
    const again = await startBoth({ env: { SESSION_SECRET: SECRET } });
    const kept = await again.service.post({ message: 'Hi', session_token: fresh.body.session_token });
    expect(kept.status).toBe(200);
  });

  it('names its visitor alone: another user_id beside it is refused', async () => {
    const { service } = await startBoth({ env: { SESSION_SECRET: SECRET } });
    const session_token = await sign(good(), SECRET);
    const { status, body } = await service.post({ user_id: 'ann', message: 'Hi', session_token });
    expect([status, body.error?.code]).toEqual([403, 'user_mismatch']);
    const absent = await service.post({ user_id: 'anonymous', message: 'Hi', session_token });
    expect(absent.status).toBe(200);
  });

  it('outlives a restart, and its thread with it', async () => {
    const { service, emulator } = await startBoth();
    const first = await service.post({ message: 'I like plums.' });
    await service.stop();
    const again = await startBoth({ env: { DATA_DIR: service.dir, OPENAI_BASE_URL: emulator.url } });
    const { body } = await again.service.post({
      message: 'What did I say first?',
      session_token: first.body.session_token,
    });
    expect(body.answer).toContain('I like plums.');
  });
});

describe('IDENTITY=signed', () => {
  it('takes no user_id without a session, and anonymous visitors as before', async () => {
    const { service, emulator } = await startBoth({ env: { IDENTITY: 'signed' } });
    const named = await service.post({ user_id: 'ann', message: 'Hi' });
    expect([named.status, named.body.error?.code]).toEqual([401, 'session_required']);
    expect(emulator.calls.responses).toBe(0);
    const anonymous = await service.post({ message: 'Hi' });
    expect(anonymous.status).toBe(200);
  });
});
