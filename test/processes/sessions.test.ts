import postgres from 'postgres';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { callApi } from '../helpers/api.ts';
import { withOurTables } from '../helpers/new-database.ts';
import { startDatabases, type TestDatabases } from '../helpers/postgres.ts';
import { startBoth } from '../helpers/service.ts';
import { tokenFor } from '../helpers/sockets.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
  return () => databases.dispose();
});

/** A service on a database, and a connection of our own to it. */
const start = async () => {
  const DATABASE_URL = await databases.newDatabase();
  const SESSION_SECRET = 'a-secret-of-at-least-thirty-two-characters';
  const own = postgres(withOurTables(DATABASE_URL), { max: 1 });
  onTestFinished(() => own.end());
  return { ...(await startBoth({ env: { DATABASE_URL, SESSION_SECRET } })), own };
};

describe('POST /api/session/refresh', () => {
  it('leaves the visitor the token where the history cannot be read', async () => {
    const { service, own } = await start();
    const bearer = await tokenFor(service);
    await own.begin(async (sql) => {
      await sql`lock table tp_exchanges in access exclusive mode`;
      const refused = await callApi(service, 'POST', '/api/session/refresh', { bearer });
      expect([refused.status, refused.code]).toEqual([503, 'log_unavailable']);
    });
    const { status, body } = await callApi(service, 'POST', '/api/session/refresh', { bearer });
    expect([status, body.history]).toEqual([200, []]);
  });
});

describe('a session_id', () => {
  it('begins no new session where it cannot be known whether it is good', async () => {
    const { service, own } = await start();
    const session_id = await tokenFor(service);
    await own.begin(async (sql) => {
      await sql`lock table tp_ended in access exclusive mode`;
      const { status, body } = await service.post({ message: 'Hi', session_id });
      expect([status, body.error?.code]).toEqual([503, 'log_unavailable']);
    });
  });
});
