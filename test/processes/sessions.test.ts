import postgres from 'postgres';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { callApi } from '../helpers/api.ts';
import { startDatabases, type TestDatabases } from '../helpers/postgres.ts';
import { startBoth } from '../helpers/service.ts';
import { tokenFor } from '../helpers/sockets.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
  return () => databases.dispose();
});

describe('POST /api/session/refresh', () => {
  it('leaves the visitor the token where the history cannot be read', async () => {
    const DATABASE_URL = await databases.newDatabase();
    const SESSION_SECRET = 'a-secret-of-at-least-thirty-two-characters';
    const { service } = await startBoth({ env: { DATABASE_URL, SESSION_SECRET } });
    const bearer = await tokenFor(service);
    const own = postgres(DATABASE_URL, { max: 1 });
    onTestFinished(() => own.end());
    await own.begin(async (sql) => {
      await sql`lock table tp_exchanges in access exclusive mode`;
      const refused = await callApi(service, 'POST', '/api/session/refresh', { bearer });
      expect([refused.status, refused.code]).toEqual([503, 'log_unavailable']);
    });
    const { status, body } = await callApi(service, 'POST', '/api/session/refresh', { bearer });
    expect([status, body.history]).toEqual([200, []]);
  });
});
