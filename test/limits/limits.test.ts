import { describe, expect, it } from 'vitest';
import { allEvents } from '../helpers/events.ts';
import { startBoth, startService, upstreamEnv } from '../helpers/service.ts';

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

  it('begins anew with each window', async () => {
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

describe('DAILY_MESSAGES', () => {
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
