import { describe, expect, it } from 'vitest';
import { startBoth } from '../helpers/service.ts';

const SITE = 'https://www.example.org';

describe('ALLOWED_ORIGINS', () => {
  it('lets any page call under *, null included', async () => {
    const { service } = await startBoth();
    for (const Origin of ['https://anywhere.example', 'null']) {
      const { status, headers } = await service.post({ message: 'Hi' }, { Origin });
      expect(status).toBe(200);
      expect(headers.get('access-control-allow-origin')).toBe('*');
    }
  });

  it('takes listed origins, our own and none, and refuses others before anything is spent', async () => {
    const { service, emulator } = await startBoth({
      env: { ALLOWED_ORIGINS: `${SITE}, https://shop.example.org` },
    });
    for (const Origin of [SITE, 'https://shop.example.org', service.url.replace('localhost', '127.0.0.1')]) {
      expect((await service.post({ message: 'Hi' }, { Origin })).status).toBe(200);
    }
    expect((await service.post({ message: 'Hi' })).status).toBe(200);
    const calls = emulator.calls.responses;
    const others = [
      'https://evil.example',
      'null',
      'https://www.example.org.evil.example',
      'http://www.example.org',
    ];
    for (const Origin of others) {
      const { status, body, headers } = await service.post({ message: 'Hi' }, { Origin });
      expect([status, body.error?.code]).toEqual([403, 'origin_not_allowed']);
      expect(headers.get('access-control-allow-origin')).toBeNull();
    }
    expect(emulator.calls.responses).toBe(calls);
  });

  it('refuses only below /api', async () => {
    const { service } = await startBoth({ env: { ALLOWED_ORIGINS: SITE } });
    const { status } = await fetch(`${service.url}/healthz`, { headers: { Origin: 'https://evil.example' } });
    expect(status).toBe(200);
  });

  it('answers a preflight with the headers that a bubble sends', async () => {
    const { service } = await startBoth({ env: { ALLOWED_ORIGINS: SITE } });
    const { status, headers } = await fetch(`${service.url}/api/chat`, {
      method: 'OPTIONS',
      headers: { Origin: SITE, 'Access-Control-Request-Method': 'POST' },
    });
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(SITE);
    expect(headers.get('access-control-allow-methods')).toContain('POST');
    for (const name of ['Authorization', 'Content-Type', 'Idempotency-Key', 'Last-Event-ID']) {
      expect(headers.get('access-control-allow-headers')).toContain(name);
    }
  });

  it('lets a page read a 429', async () => {
    const { service } = await startBoth({ env: { ALLOWED_ORIGINS: SITE, RATE_LIMIT: '1/1h' } });
    await service.post({ message: 'Hi' }, { Origin: SITE });
    const { status, headers } = await service.post({ message: 'Hi' }, { Origin: SITE });
    expect(status).toBe(429);
    expect(headers.get('access-control-allow-origin')).toBe(SITE);
    expect(headers.get('access-control-expose-headers')).toContain('Retry-After');
  });
});
