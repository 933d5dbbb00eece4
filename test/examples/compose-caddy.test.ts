import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { breakDisk } from '../helpers/break-disk.ts';
import { ROOT } from '../helpers/child-service.ts';
import { until } from '../helpers/events.ts';
import { startBoth } from '../helpers/service.ts';
import { freePort, runCaddy, works } from './helper.ts';

const errorBody = z.object({ error: z.object({ code: z.string(), message: z.string() }).optional() });

/** Caddy with the file of compose.yaml, before a service and a process that does not run. @returns Its address. */
const startComposeCaddy = async (servicePort: string): Promise<string> => {
  const url = `http://127.0.0.1:${await freePort()}`;
  const processes = `127.0.0.1:${servicePort} 127.0.0.1:${await freePort()}`;
  const site = (await readFile(path.join(ROOT, 'Caddyfile'), 'utf8'))
    .replace('{$SITE_ADDRESS:localhost}', url)
    .replaceAll('chat-1:5000 chat-2:5000', processes)
    .replaceAll('127.0.0.1:8080', `127.0.0.1:${await freePort()}`);
  await runCaddy(site);
  return url;
};

const CADDY = works('caddy', 'version');

it.skipIf(!CADDY)(
  `behind the Caddy of compose.yaml a service that cannot record says so itself, and a stopped one is told of in our form${CADDY ? '' : ' (skipped: no caddy)'}`,
  async () => {
    const { service } = await startBoth({ env: { TRUST_PROXY: '1', RATE_LIMIT: '3/1h' } });
    const url = await startComposeCaddy(new URL(service.url).port);
    const post = () =>
      fetch(`${url}/api/chat`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Accept-Language': 'de', Origin: 'https://a.example' },
        body: JSON.stringify({ message: 'Hallo' }),
      });
    const outcome = async (response: Response) => {
      const { error } = errorBody.parse(await response.json());
      const { status, headers } = response;
      return {
        status,
        code: error?.code,
        message: error?.message,
        cors: headers.get('access-control-allow-origin'),
      };
    };
    await until(
      async () => (await fetch(`${url}/readyz`).catch(() => null))?.status === 200,
      'caddy passes calls on',
    );
    expect((await post()).status).toBe(200);

    await breakDisk(service);
    // Caddy asks every other second whether it is ready; a call that goes the second way passes Caddy twice.
    const server = async () => (await fetch(`${url}/readyz`)).headers.get('server');
    await until(async () => (await server()) === 'Caddy, Caddy', 'caddy knows that it is not ready');
    expect(await outcome(await post())).toEqual({
      status: 503,
      code: 'log_unavailable',
      message: expect.stringContaining('Nachricht'),
      cors: '*',
    });
    // The second way has the visitor's address too: its limit goes on.
    expect((await post()).headers.get('ratelimit')).toContain('remaining=0');

    await service.stop();
    const told = await post();
    expect(told.headers.get('retry-after')).toBe('5');
    expect(await outcome(told)).toMatchObject({ status: 503, code: 'overloaded', cors: '*' });
    const preflight = await fetch(`${url}/api/chat`, {
      method: 'OPTIONS',
      headers: { Origin: 'https://a.example' },
    });
    expect([preflight.status, preflight.headers.get('access-control-allow-headers')]).toEqual([
      204,
      '*, Authorization',
    ]);
  },
  30_000,
);
