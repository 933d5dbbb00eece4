import { expect, it } from 'vitest';
import { z } from 'zod';
import { exchangeRaw } from '../helpers/raw-http.ts';
import { startService } from '../helpers/service.ts';

/** Requests that are measured together: as many as a connection may have in hand. */
const TOGETHER = 32;
const ROUNDS = 8;
/** CPU that a call may cost beside the cheapest one, in milliseconds: what makes a document for each costs more. */
const MAX_MS = 1.5;

/** Calls that are refused, or answered, before any limit, with what they need to get that far. */
const OTHERS = [
  'GET /nothing/here',
  'GET /api/nothing',
  'OPTIONS /api/chat',
  'PATCH /api/chat',
  `GET /${'a/'.repeat(2_000)}`,
];

it('every call that no limit counts is cheap', async () => {
  const service = await startService({ RATE_LIMIT: '1000000/1h', LOG_LEVEL: 'info' });
  const { paths } = z
    .object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) })
    .parse(await (await fetch(`${service.url}/openapi.json`)).json());
  const calls = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );

  const request = (call: string, isLast: boolean): string =>
    `${call} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n${isLast ? 'Connection: close\r\n' : ''}\r\n`;
  const isUnlimited = async (call: string): Promise<boolean> => {
    const [method = '', path = ''] = call.split(' ');
    const { headers, body } = await fetch(service.url + path, { method });
    await body?.cancel();
    return headers.get('ratelimit') === null;
  };
  const costOf = async (call: string): Promise<number> => {
    const bytes = Buffer.from(request(call, false).repeat(TOGETHER - 1) + request(call, true));
    await exchangeRaw(service.url, { bytes });
    const before = process.cpuUsage();
    for (let n = 0; n < ROUNDS; n++) await exchangeRaw(service.url, { bytes });
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000 / (TOGETHER * ROUNDS);
  };

  const unlimited: string[] = [];
  for (const call of [...calls, 'GET /openapi.json', ...OTHERS])
    if (await isUnlimited(call)) unlimited.push(call);
  expect(unlimited).toEqual(expect.arrayContaining(['GET /healthz', 'GET /readyz', 'GET /openapi.json']));
  const cheapest = await costOf('GET /healthz');
  const expensive: string[] = [];
  for (const call of unlimited) {
    const ms = (await costOf(call)) - cheapest;
    if (ms > MAX_MS) expensive.push(`${call.slice(0, 40)}: ${ms.toFixed(2)} ms`);
  }
  expect(expensive).toEqual([]);
}, 60_000);
