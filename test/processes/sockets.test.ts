import { randomUUID } from 'node:crypto';
import connect from 'postgres';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { callApi } from '../helpers/api.ts';
import { withOurTables } from '../helpers/new-database.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { startEmulator, startService, upstreamEnv } from '../helpers/service.ts';
import { openSocket, tokenFor } from '../helpers/sockets.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
  return () => postgres.dispose();
});

/** Two services on one database, with a session and its socket at the first. */
const startTwo = async (settings: Record<string, string> = {}, options: { heartbeatMs?: number } = {}) => {
  const emulator = await startEmulator();
  const databaseUrl = await postgres.newDatabase();
  const env = {
    ...upstreamEnv(emulator),
    DATABASE_URL: databaseUrl,
    SESSION_SECRET: 'a-secret-of-at-least-thirty-two-characters',
    ...settings,
  };
  const [one, other] = [await startService(env, options), await startService(env, options)];
  const token = await tokenFor(one);
  return { emulator, databaseUrl, one, other, token, client: await openSocket(one, { token }) };
};

const message = (text: string) => ({ type: 'message', id: randomUUID(), message: text });

describe('a socket at one of two processes', () => {
  const expired = { code: 1008, reason: 'session_expired' };

  it('is closed with its next frame after the other has ended its token, and nothing is spent', async () => {
    const { emulator, other, token, client } = await startTwo();
    await callApi(other, 'DELETE', '/api/session', { bearer: token });
    client.send(message('Too late.'));
    expect(await client.closed).toEqual(expired);
    expect(emulator.calls.responses).toBe(0);
  });

  it('is closed soon after the other has ended its token, also where it asks for nothing', async () => {
    const { other, token, client } = await startTwo({}, { heartbeatMs: 50 });
    await callApi(other, 'DELETE', '/api/session', { bearer: token });
    expect(await client.closed).toEqual(expired);
  });

  it('goes on with an answer that the other gives', async () => {
    const { emulator, other, token, client } = await startTwo();
    emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 1 } });
    client.send(message('Hello!'));
    const id = (await client.next()).id;
    // Held by now.
    await client.until(({ type }) => type === 'delta');
    const second = await openSocket(other, { token });
    second.send({ type: 'resume', id });
    expect(await second.next()).toMatchObject({ type: 'accepted', event: `${id}:0`, id });
    emulator.release();
    const [mine, told] = [(await client.until()).at(-1), (await second.until()).at(-1)];
    expect(told).toMatchObject({ type: 'done', id, answer: mine?.answer });
    expect(emulator.calls.responses).toBe(1);
  });

  it('counts its frames with the calls of both', async () => {
    const { other, token, client } = await startTwo({ RATE_LIMIT: '3/1h' });
    client.send(message('Hello!'));
    await client.until();
    const bearer = { Authorization: `Bearer ${token}` };
    expect((await other.post({ message: 'Hello!' }, bearer)).status).toBe(200);
    client.send(message('Too many.'));
    const refused = await client.next();
    expect(refused).toMatchObject({ error: { code: 'rate_limited' } });
    expect(refused.retry_after).toBeGreaterThan(3_500);
  });

  it('asks the database nothing for the frames of an address that is known to be over the limit', async () => {
    const { databaseUrl, client } = await startTwo({ RATE_LIMIT: '2/1h' });
    const refusal = { type: 'error', error: { code: 'rate_limited' } };
    client.send(message('Hello!'));
    await client.until();
    client.send(message('Too many.'));
    expect(await client.next()).toMatchObject(refusal);
    const own = connect(withOurTables(databaseUrl), { max: 1 });
    onTestFinished(() => own.end());
    await own.begin(async (sql) => {
      await sql`lock table tp_ended, tp_calls in access exclusive mode`;
      for (const frame of [message('Again.'), { type: 'nonsense' }]) {
        client.send(frame);
        expect(await client.next()).toMatchObject(refusal);
      }
    });
  });

  it('stays while the database is away, and tells so; another is closed with 1013', async () => {
    const { one, token, client } = await startTwo();
    await postgres.stop('fast');
    try {
      client.send(message('Hello!'));
      expect(await client.next()).toMatchObject({ type: 'error', error: { code: 'log_unavailable' } });
      const second = await openSocket(one, { token });
      expect(await second.closed).toEqual({ code: 1013, reason: 'log_unavailable' });
    } finally {
      await postgres.start();
    }
    for (;;) {
      client.send(message('Hello again!'));
      const [last] = (await client.until()).slice(-1);
      if (last?.type === 'done') break;
      expect(last).toMatchObject({ error: { code: 'log_unavailable' } });
    }
  });
});
