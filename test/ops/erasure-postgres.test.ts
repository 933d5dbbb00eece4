import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startChildService } from '../helpers/child-service.ts';
import { until } from '../helpers/events.ts';
import { startDatabases, type TestDatabases } from '../helpers/postgres.ts';
import { startEmulator, upstreamEnv } from '../helpers/service.ts';
import { connectTo } from '../stores/postgres/helper.ts';
import { asOps, OPS_TOKEN } from './helper.ts';

const GONE = 'zanzibarquux';
const KEPT = 'wombatplugh';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
});
afterAll(() => databases.dispose());

/** The tables with a row that has the text in it. */
const tablesWith = async (sql: ReturnType<typeof connectTo>, text: string): Promise<string[]> => {
  const tables =
    await sql`select tablename as name from pg_tables where schemaname = current_schema() order by 1`;
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await sql`select from ${sql(name)} t where strpos(t::text, ${text}) > 0 limit 1`;
    if (rows.length > 0) found.push(String(name));
  }
  return found;
};

describe('an erasure in Postgres that is killed while the provider is asked', () => {
  it('goes on in the next process, and no table has the visitor’s texts', async () => {
    const emulator = await startEmulator();
    const url = await databases.newDatabase();
    const env = {
      ...upstreamEnv(emulator),
      OPS_TOKEN,
      DATABASE_URL: url,
      SESSION_SECRET: 'a-secret-of-the-tests-0123456789abcdef',
      WEBHOOK_URL: 'http://127.0.0.1:9/events',
    };
    const sql = connectTo(url);
    const service = await startChildService(env);
    for (let n = 0; n < 5; n++) {
      const { status } = await service.post(
        { user_id: 'ada', message: `My secret is ${GONE}` },
        { 'Idempotency-Key': `key-${n}-of-${GONE}` },
      );
      expect(status).toBe(200);
    }
    await service.post({ user_id: 'bob', message: `I stay, says ${KEPT}` });
    // The day's figures are kept apart from the exchanges.
    expect((await fetch(`${service.url}/ops`, { headers: asOps })).status).toBe(200);
    await until(async () => (await tablesWith(sql, GONE)).includes('tp_outbox'), 'events wait in the queue');
    const held = emulator.fail({ on: 'conversations.delete', fault: { kind: 'hang-before-headers' } });
    fetch(`${service.url}/api/ops/visitors/user/ada`, { method: 'DELETE', headers: asOps }).catch(
      () => undefined,
    );
    await until(() => held.holds === 1, 'the provider is asked');
    expect(await tablesWith(sql, 'u:ada')).toEqual(['tp_erasures']);
    service.kill('SIGKILL');
    await service.ended;

    const next = await startChildService(env);
    const settings = async () => (await fetch(`${next.url}/ops/settings`, { headers: asOps })).text();
    await until(async () => (await settings()).includes('visitor erased'), 'the erasure is over', 20_000);
    expect(emulator.threads).toBe(1);
    for (const text of [GONE, 'u:ada']) expect(await tablesWith(sql, text), text).toEqual([]);
    expect(await tablesWith(sql, KEPT)).toContain('tp_exchanges');
  }, 60_000);
});
