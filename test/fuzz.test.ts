import { expect, test } from 'vitest';
import { until } from './helpers/events.ts';
import { exchangeRaw, fuzz } from './helpers/raw-http.ts';
import { startBoth } from './helpers/service.ts';

const SEED = Number(process.env.SEED ?? Date.now() % 1e9);
const REQUESTS = Number(process.env.REQUESTS ?? 400);

test(`malformed requests are refused in one form, harm nothing and are no fault of ours (seed ${SEED})`, {
  timeout: 60_000,
}, async () => {
  // With a limit, so that what reads addresses is run, too.
  const env = { RATE_LIMIT: '1000000/1h', TRUST_PROXY: '2', DAILY_MESSAGES: 'off', LOG_LEVEL: 'info' };
  const { service } = await startBoth({ env });
  const statuses = await fuzz(service.url, REQUESTS, SEED);
  expect(Object.keys(statuses)).toEqual(expect.arrayContaining(['200', '400', '404', '405', '413', '415']));
  expect(service.lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  expect(service.lines.filter(({ status }) => Number(status) >= 500)).toEqual([]);
  expect((await service.post({ user_id: 'ann', message: 'Still well?' })).status).toBe(200);
});

test.each([
  ['a Host header that is none', 'GET /healthz HTTP/1.1\r\nHost: a/b'],
  ['a backslash in its path', 'GET /\\ HTTP/1.1\r\nHost: localhost'],
  ['a target that is no path', 'GET * HTTP/1.1\r\nHost: localhost'],
])('a request with %s is refused as invalid, with a request id', async (_, head) => {
  const { service } = await startBoth();
  const bytes = Buffer.from(`${head}\r\nConnection: close\r\n\r\n`);
  const [answer] = await exchangeRaw(service.url, { bytes });
  expect(answer?.status).toBe(400);
  const request_id = answer?.requestId;
  expect(request_id).toMatch(/^[0-9a-f-]{36}$/);
  expect(JSON.parse(answer?.body ?? '')).toMatchObject({ error: { code: 'invalid_request', request_id } });
});

test.each(['Content-Length: 100', 'Transfer-Encoding: chunked'])(
  'a caller that hangs up in the midst of its body (%s) is no fault of ours in the log either',
  async (header) => {
    const { service } = await startBoth();
    const head = `POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${header}`;
    const bytes = Buffer.from(`${head}\r\n\r\n9\r\n{"message`);
    await exchangeRaw(service.url, { bytes, hangsUpAfter: 50 });
    const line = await until(() => service.lines.find(({ path }) => path === '/api/chat'), 'its access line');
    expect(line.status).toBe(400);
  },
);
