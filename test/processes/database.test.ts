import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { callApi } from '../helpers/api.ts';
import { runMain, startChildService } from '../helpers/child-service.ts';
import { until } from '../helpers/events.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { startEmulator, startService, upstreamEnv } from '../helpers/service.ts';

const SESSION_SECRET = 'a-secret-of-at-least-thirty-two-characters';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
  return () => postgres.dispose();
});

/** A service on a database of its own, at a server that the test may stop. */
const start = async (env: Record<string, string> = {}) => {
  onTestFinished(() => postgres.start());
  const emulator = await startEmulator();
  const databaseUrl = await postgres.newDatabase();
  const service = await startService({
    ...upstreamEnv(emulator),
    DATABASE_URL: databaseUrl,
    SESSION_SECRET,
    TRUST_PROXY: '1',
    ...env,
  });
  const from = (address: string) => service.post({ message: 'Hello!' }, { 'X-Forwarded-For': address });
  return { databaseUrl, emulator, service, from };
};

it('a database that goes costs no upstream call; it is reported, and used again when it comes back', async () => {
  const { emulator, service, from } = await start();
  expect((await from('203.0.113.1')).status).toBe(200);
  const spent = emulator.calls.total;
  await postgres.stop('immediate');
  const { status, body } = await from('203.0.113.1');
  expect([status, body.error?.code]).toEqual([503, 'log_unavailable']);
  const ready = await fetch(`${service.url}/readyz`);
  expect(ready.status).toBe(503);
  // Anyone may read it: no host, no port, no path.
  expect(await ready.json()).toEqual({ status: 'unavailable', reason: 'the database cannot be used' });
  expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
  expect(emulator.calls.total).toBe(spent);
  await postgres.start();
  await until(async () => (await fetch(`${service.url}/readyz`)).ok, 'a service that is ready again');
  expect((await from('203.0.113.1')).status).toBe(200);
});

it('who is known to be over the limit is refused without the database', async () => {
  const { from } = await start({ RATE_LIMIT: '1/1h' });
  expect((await from('203.0.113.1')).status).toBe(200);
  expect((await from('203.0.113.1')).status).toBe(429);
  await postgres.stop('immediate');
  const { status, headers } = await from('203.0.113.1');
  expect([status, Number(headers.get('retry-after')) > 3_500]).toEqual([429, true]);
  expect((await from('203.0.113.2')).status).toBe(503);
});

it('an answer that is there when the database goes is kept, and told when it is back', async () => {
  const { emulator, service } = await start();
  emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 1 } });
  const { events } = await service.stream({ user_id: 'ann', message: 'Hello!' });
  expect((await events.next()).value).toMatchObject({ event: 'accepted' });
  expect((await events.next()).value).toMatchObject({ event: 'delta' });
  await postgres.stop('immediate');
  emulator.release();
  await until(() => service.lines.find(({ msg }) => msg === 'answered'), 'an answer');
  await postgres.start();
  let last: unknown;
  for await (const event of events) last = event;
  expect(last).toMatchObject({ event: 'done' });
});

it('the start waits for the database, says so without the password, and gives up after DATABASE_WAIT', async () => {
  const { databaseUrl } = await start();
  const { password } = new URL(databaseUrl);
  await postgres.stop();
  const env = { DATABASE_URL: databaseUrl, SESSION_SECRET, PORT: '0', LOG_LEVEL: 'trace' };
  const patient = startChildService({ ...env, DATABASE_WAIT: '20s' });
  const hasty = await runMain({ ...env, DATABASE_WAIT: '500ms' });
  expect(await hasty.ended).toEqual([1, null]);
  const said = hasty.stdout() + hasty.stderr();
  expect(hasty.stderr()).toMatch(/database/);
  expect(said).not.toContain(password);
  await postgres.start();
  const late = await patient;
  expect((await callApi(late, 'GET', '/readyz')).status).toBe(200);
  expect(late.lines().filter(({ msg }) => /database/.test(String(msg))).length).toBeGreaterThan(0);
});
