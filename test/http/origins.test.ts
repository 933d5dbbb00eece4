import { describe, expect, it } from 'vitest';
import { exchangeRaw } from '../helpers/raw-http.ts';
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

  it('takes pages of PUBLIC_ORIGIN and of this machine for our own, and never what Host says', async () => {
    const { service } = await startBoth({
      env: { ALLOWED_ORIGINS: SITE, PUBLIC_ORIGIN: 'https://chat.example.org' },
    });
    const call = (origin: string, host: string) =>
      exchangeRaw(service.url, {
        bytes: Buffer.from(
          `POST /api/session HTTP/1.1\r\nHost: ${host}\r\nOrigin: ${origin}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
        ),
      });
    for (const origin of [
      'https://chat.example.org',
      'http://localhost:8080',
      'http://[::1]',
      'http://127.0.0.1',
    ]) {
      expect((await call(origin, 'anything.example')).map(({ status }) => status)).toEqual([201]);
    }
    // A name that an attacker points at this address: the page's origin is then equal to its Host.
    for (const name of ['rebound.example', 'chat.example.org', 'localhost.rebound.example']) {
      expect((await call(`http://${name}`, name)).map(({ status }) => status)).toEqual([403]);
    }
  });

  it('refuses only below /api', async () => {
    const { service } = await startBoth({ env: { ALLOWED_ORIGINS: SITE } });
    const { status } = await fetch(`${service.url}/healthz`, { headers: { Origin: 'https://evil.example' } });
    expect(status).toBe(200);
  });

  it('answers a preflight with whatever headers are asked for, for a day', async () => {
    const { service } = await startBoth({ env: { ALLOWED_ORIGINS: SITE } });
    const { status, headers } = await fetch(`${service.url}/api/chat`, {
      method: 'OPTIONS',
      headers: {
        Origin: SITE,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'content-type, x-anything-at-all',
      },
    });
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(SITE);
    expect(headers.get('access-control-allow-methods')).toContain('POST');
    expect(headers.get('access-control-allow-headers')).toBe('content-type,x-anything-at-all');
    expect(headers.get('access-control-max-age')).toBe('86400');
    expect(headers.get('vary')).toContain('Origin');
  });

  it('lets a page read a 429', async () => {
    const { service } = await startBoth({ env: { ALLOWED_ORIGINS: SITE, RATE_LIMIT: '1/1h' } });
    await service.post({ message: 'Hi' }, { Origin: SITE });
    const { status, headers } = await service.post({ message: 'Hi' }, { Origin: SITE });
    expect(status).toBe(429);
    expect(headers.get('access-control-allow-origin')).toBe(SITE);
    expect(headers.get('vary')).toBe('Origin');
    expect(headers.get('access-control-expose-headers')).toContain('Retry-After');
  });
});
