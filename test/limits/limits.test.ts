import { describe, expect, it } from 'vitest';
import { SITE_KEY } from '../helpers/api.ts';
import { allEvents, until } from '../helpers/events.ts';
import { startBoth, startService, upstreamEnv } from '../helpers/service.ts';
import { openSocket } from '../helpers/sockets.ts';

const from = (address: string) => ({ 'X-Forwarded-For': address });

describe('RATE_LIMIT', () => {
  it('counts posted messages per address, good or bad, and tells so in the draft-7 headers', async () => {
    const { service, emulator } = await startBoth({ env: { RATE_LIMIT: '3/1h' } });
    const one = await service.post({ user_id: 'ann', message: 'one' });
    expect(one.headers.get('ratelimit-policy')).toBe('3;w=3600');
    expect(one.headers.get('ratelimit')).toMatch(/^limit=3, remaining=2, reset=(3600|3599)$/);
    await service.post('no json');
    const { response, events } = await service.stream({ user_id: 'bob', message: 'three' });
    expect(response.headers.get('ratelimit')).toMatch(/remaining=0/);
    await allEvents(events);
    const calls = emulator.calls.total;

    const { status, body, headers } = await service.post({ user_id: 'cid', message: 'four' });
    expect([status, body.error?.code]).toEqual([429, 'rate_limited']);
    const after = Number(headers.get('retry-after'));
    expect(after).toBeGreaterThan(3590);
    expect(after).toBeLessThanOrEqual(3600);
    expect(emulator.calls.total).toBe(calls);
  });

  it('does not count health, documents and unknown paths', async () => {
    const { service } = await startBoth({ env: { RATE_LIMIT: '1/1h' } });
    for (const path of ['/healthz', '/readyz', '/openapi.json', '/nothing']) {
      const { headers } = await fetch(service.url + path);
      expect(headers.get('ratelimit')).toBeNull();
    }
    expect((await service.post({ message: 'Hi' })).status).toBe(200);
  });

  it('starts again in each window', async () => {
    const { service } = await startBoth({ env: { RATE_LIMIT: '1/1s' } });
    expect((await service.post({ message: 'Hi' })).status).toBe(200);
    const { status, headers } = await service.post({ message: 'Hi' });
    expect(status).toBe(429);
    await new Promise((resolve) => setTimeout(resolve, Number(headers.get('retry-after')) * 1000 + 20));
    expect((await service.post({ message: 'Hi' })).status).toBe(200);
  });

  it('is exact under a burst from one address', async () => {
    const { service } = await startBoth({ env: { RATE_LIMIT: '5/1h' } });
    const burst = Array.from({ length: 20 }, (_, n) => service.post({ user_id: `u${n}`, message: 'Hi' }));
    const statuses = (await Promise.all(burst)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(5);
    expect(statuses.filter((status) => status === 429)).toHaveLength(15);
  });

  it('believes as many proxies as TRUST_PROXY says, counted from the right', async () => {
    const { service } = await startBoth({ env: { RATE_LIMIT: '1/1h', TRUST_PROXY: '1' } });
    const call = async (forwarded: string) => (await service.post({ message: 'Hi' }, from(forwarded))).status;
    expect(await call('203.0.113.1')).toBe(200);
    expect(await call('203.0.113.2')).toBe(200);
    // What the client wrote itself, on the left, buys it nothing.
    expect(await call('198.51.100.9, 203.0.113.1')).toBe(429);
    expect(await call('198.51.100.10, 203.0.113.2')).toBe(429);
  });

  it('believes only peers that TRUSTED_PROXIES names, and warns once of others', async () => {
    const env = { RATE_LIMIT: '1/1h', TRUST_PROXY: '1', TRUSTED_PROXIES: '10.0.0.0/8' };
    const { service } = await startBoth({ env });
    expect((await service.post({ message: 'Hi' }, from('203.0.113.1'))).status).toBe(200);
    for (let n = 2; n < 5; n++) {
      expect((await service.post({ message: 'Hi' }, from(`203.0.113.${n}`))).status).toBe(429);
    }
    const warnings = service.lines.filter(({ msg }) => msg.includes('TRUSTED_PROXIES'));
    expect(warnings).toMatchObject([{ level: 'warn', peer: '127.0.0.1' }]);
  });

  it('holds in each of several windows, the policy names all and the headers tell of the tightest', async () => {
    const { service } = await startBoth({ env: { RATE_LIMIT: '5/1h, 2/1s' } });
    const call = () => service.post({ message: 'Hi' });
    const [first, second] = [await call(), await call()];
    expect(first.headers.get('ratelimit-policy')).toBe('5;w=3600, 2;w=1');
    expect(first.headers.get('ratelimit')).toMatch(/^limit=2, remaining=1, reset=1$/);
    expect(second.status).toBe(200);
    const third = await call();
    expect([third.status, third.headers.get('retry-after')]).toEqual([429, '1']);
    expect(third.headers.get('ratelimit')).toMatch(/^limit=2, remaining=0/);
    // What the short window refused has cost nothing of the long one.
    await until(async () => (await call()).status === 200, 'the next second');
    await until(async () => (await call()).status === 200, 'the same second, or the next');
    const last = await until(async () => {
      const answer = await call();
      return answer.status === 200 || Number(answer.headers.get('retry-after')) > 5 ? answer : undefined;
    }, 'a call that only the hour counts');
    expect(last.status).toBe(200);
    expect(last.headers.get('ratelimit')).toMatch(/^limit=5, remaining=0, reset=3\d\d\d$/);
    await until(async () => Number((await call()).headers.get('retry-after')) > 3000, 'the end of the hour');
  });

  it('believes nobody while TRUST_PROXY=0, and warns of it once', async () => {
    const { service } = await startBoth({ env: { RATE_LIMIT: '1/1h' } });
    expect((await service.post({ message: 'Hi' }, from('203.0.113.1'))).status).toBe(200);
    expect((await service.post({ message: 'Hi' }, from('203.0.113.2'))).status).toBe(429);
    const warnings = service.lines.filter(
      ({ level, msg }) => level === 'warn' && msg.includes('TRUST_PROXY'),
    );
    expect(warnings).toHaveLength(1);
  });
});

describe('RATE_LIMIT_VISITOR', () => {
  it('counts the messages of each session and user, wherever they come from', async () => {
    const { service, emulator } = await startBoth({ env: { RATE_LIMIT_VISITOR: '2/1h' } });
    const begun = await service.post({ message: 'one' });
    const { session_token } = begun.body;
    expect(begun.headers.get('ratelimit')).toMatch(/^limit=2, remaining=1/);
    expect((await service.post({ message: 'two', session_token })).status).toBe(200);
    const calls = emulator.calls.total;
    const third = await service.post({ message: 'three', session_token });
    expect([third.status, third.body.error?.code]).toEqual([429, 'rate_limited']);
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(3590);
    expect(emulator.calls.total).toBe(calls);
    const socket = await openSocket(service, { token: String(session_token) });
    socket.send({ type: 'message', id: 'm-1', message: 'four' });
    expect(await socket.next()).toMatchObject({ type: 'error', error: { code: 'rate_limited' } });
    for (const user_id of ['ann', 'bob']) {
      expect((await service.post({ message: 'Hi', user_id })).status).toBe(200);
    }
  });

  it('holds beside RATE_LIMIT, and the headers tell of it', async () => {
    const { service } = await startBoth({ env: { RATE_LIMIT: '3/1h', RATE_LIMIT_VISITOR: '10/1h' } });
    for (const user_id of ['a', 'b', 'c']) {
      expect((await service.post({ user_id, message: 'Hi' })).status).toBe(200);
    }
    expect((await service.post({ user_id: 'd', message: 'Hi' })).status).toBe(429);
  });
});

describe('DAILY_MESSAGES_PER_ADDRESS', () => {
  const trusting = { TRUST_PROXY: '1', DAILY_MESSAGES: '100' };

  it('is a tenth of the day by default, so that one address cannot spend the day of all', async () => {
    const { service } = await startBoth({ env: { ...trusting, DAILY_MESSAGES_PER_ADDRESS: '' } });
    const call = async (address: string, body: object = { message: 'Hi' }) => {
      const { status, body: answer } = await service.post(body, from(address));
      return answer.error?.code ?? status;
    };
    for (let n = 0; n < 10; n++) expect(await call('203.0.113.1')).toBe(200);
    expect(await call('203.0.113.1', { user_id: 'another', message: 'Hi' })).toBe('budget_spent');
    expect(await call('203.0.113.2')).toBe(200);
  });

  it('is counted by visitor for verified visitors, who may share an address', async () => {
    const env = { ...trusting, DAILY_MESSAGES_PER_ADDRESS: '1', SITE_KEYS: SITE_KEY };
    const { service } = await startBoth({ env });
    const call = async (user_id: string) => {
      const headers = { Authorization: `Bearer ${SITE_KEY}` };
      const { status, body, headers: told } = await service.post({ user_id, message: 'Hi' }, headers);
      if (status === 429) expect(Number(told.get('retry-after'))).toBeGreaterThan(0);
      return body.error?.code ?? status;
    };
    expect([await call('ann'), await call('bob'), await call('ann')]).toEqual([200, 200, 'budget_spent']);
    expect((await service.post({ message: 'Hi' })).status).toBe(200);
  });
});

describe('DAILY_MESSAGES', () => {
  it('can be spent again by what was given back', async () => {
    const { service, emulator } = await startBoth({ env: { DAILY_MESSAGES: '2', MAX_WAITING: '0' } });
    emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    const key = { 'Idempotency-Key': 'one' };
    const first = service.post({ user_id: 'ann', message: 'one' }, key);
    await emulator.next('responses');
    // Refused for another reason, it costs nothing of the day.
    expect((await service.post({ user_id: 'ann', message: 'two' })).body.error?.code).toBe('thread_busy');
    emulator.release();
    expect((await first).status).toBe(200);
    expect((await service.post({ user_id: 'ann', message: 'two' })).status).toBe(200);
    expect((await service.post({ user_id: 'ann', message: 'three' })).body.error?.code).toBe('budget_spent');
  });

  it('bounds the messages of the whole site, warns at 80 % and survives a restart', async () => {
    const { service, emulator } = await startBoth({ env: { DAILY_MESSAGES: '5' } });
    for (const user_id of ['a', 'b', 'c', 'd']) await service.post({ user_id, message: 'Hi' });
    const warned = () => service.lines.filter(({ level, msg }) => level === 'warn' && msg.includes('80 %'));
    expect(warned()).toHaveLength(1);
    await service.stop();

    const env = { ...upstreamEnv(emulator), DATA_DIR: service.dir, DAILY_MESSAGES: '5' };
    const again = await startService(env);
    expect((await again.post({ user_id: 'e', message: 'Hi' })).status).toBe(200);
    const calls = emulator.calls.total;
    const { status, body, headers } = await again.post({ user_id: 'f', message: 'Hi' });
    expect([status, body.error?.code]).toEqual([429, 'budget_spent']);
    const untilMidnight = 86_400 - (Math.floor(Date.now() / 1000) % 86_400);
    expect(Math.abs(Number(headers.get('retry-after')) - untilMidnight)).toBeLessThanOrEqual(2);
    expect(emulator.calls.total).toBe(calls);
  });

  it('does not count messages that were refused', async () => {
    const { service } = await startBoth({ env: { DAILY_MESSAGES: '2' } });
    await service.post({ message: '' });
    await service.post({ message: 'Hi', session_token: 'nonsense' });
    expect((await service.post({ message: 'one' })).status).toBe(200);
    expect((await service.post({ message: 'two' })).status).toBe(200);
    expect((await service.post({ message: 'three' })).status).toBe(429);
  });
});
