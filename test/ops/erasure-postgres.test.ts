import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../../emulator/server.ts';
import { startChildService } from '../helpers/child-service.ts';
import { until } from '../helpers/events.ts';
import { command } from '../helpers/new-database.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { startEmulator, upstreamEnv } from '../helpers/service.ts';
import { connectTo } from '../stores/postgres/helper.ts';
import { asOps, filesWith, OPS_TOKEN } from './helper.ts';

const GONE = 'zanzibarquux';
const KEPT = 'wombatplugh';
/** More than some steps of an erasure take. */
const OLDER = 500;

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.dispose());

type Connection = ReturnType<typeof connectTo>;

/** The tables with a row that has the text in it. */
const tablesWith = async (sql: Connection, text: string): Promise<string[]> => {
  const tables =
    await sql`select tablename as name from pg_tables where schemaname = current_schema() order by 1`;
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await sql`select from ${sql(name)} t where strpos(t::text, ${text}) > 0 limit 1`;
    if (rows.length > 0) found.push(String(name));
  }
  return found;
};

const envOf = (emulator: Emulator, url: string) => ({
  ...upstreamEnv(emulator),
  OPS_TOKEN,
  DATABASE_URL: url,
  SESSION_SECRET: 'a-secret-of-the-tests-0123456789abcdef',
  // Nobody listens: what is said stays in the queue.
  WEBHOOK_URL: 'http://127.0.0.1:9/events',
});

/** A database in which the visitor's texts are in every table that can have them. */
const fullDatabase = async (emulator: Emulator): Promise<string> => {
  const url = await server.newDatabase();
  const service = await startChildService(envOf(emulator, url));
  for (const [user_id, word] of [
    ['ada', GONE],
    ['bob', KEPT],
  ] as const) {
    const key = { 'Idempotency-Key': `key-of-${word}` };
    const { body } = await service.post({ user_id, message: `My secret is ${word}` }, key);
    const rated = await fetch(`${service.url}/api/feedback`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ id: body.id, rating: 'down', comment: `${word} is no help` }),
    });
    expect(rated.status).toBe(204);
  }
  // The day's figures are kept apart from the exchanges.
  expect((await fetch(`${service.url}/ops`, { headers: asOps })).status).toBe(200);
  const sql = connectTo(url);
  await sql`
    insert into tp_exchanges (id, visitor, place, said, answer, at, folded)
    select ${GONE} || i, 'u:ada', 0, ${GONE}, repeat(${`${GONE} `}, 50), i, ${GONE}
    from generate_series(1, ${OLDER}::int) as i`;
  await until(async () => (await tablesWith(sql, GONE)).includes('tp_outbox'), 'events wait in the queue');
  service.kill('SIGTERM');
  await service.ended;
  await sql.end();
  return url;
};

/** The steps of an erasure, by what shows that one is reached. */
const STEPS = {
  'it is recorded': 'select from tp_erasures',
  'some exchanges are gone': 'select from tp_erasures where erased > 0',
  'all exchanges are gone': `select from tp_erasures where erased > ${OLDER}`,
  'the visitor itself is gone': `select from tp_erasures where not exists (select from tp_visitors where key = 'u:ada')`,
  'it is over': `select from tp_audit where action = 'erase_visitor'`,
};

describe('an erasure in Postgres that is killed', () => {
  it('goes on in the next process, whichever step it was in, and leaves no byte of the visitor', async () => {
    const emulator = await startEmulator();
    const template = new URL(await fullDatabase(emulator)).pathname.slice(1);
    const threads = emulator.threads;
    let number = 0;
    for (const [step, statement] of Object.entries(STEPS)) {
      const url = new URL(server.url);
      url.pathname = `/${template}_${number++}`;
      await command(server.url, `create database ${url.pathname.slice(1)} template ${template}`);
      const sql = connectTo(url.href);
      const service = await startChildService(envOf(emulator, url.href));
      // So that it does not come to its end before it is killed.
      const held =
        step === 'it is over'
          ? undefined
          : emulator.fail({ on: 'conversations.delete', fault: { kind: 'hang-before-headers' } });
      fetch(`${service.url}/api/ops/visitors/user/ada`, { method: 'DELETE', headers: asOps }).catch(
        () => undefined,
      );
      await until(async () => (await sql.unsafe(statement)).length > 0, step);
      service.kill('SIGKILL');
      await service.ended;
      held?.remove();

      const next = await startChildService(envOf(emulator, url.href));
      const settings = async () => (await fetch(`${next.url}/ops/settings`, { headers: asOps })).text();
      await until(async () => (await settings()).includes('visitor erased'), 'the erasure is over', 20_000);
      next.kill('SIGTERM');
      await next.ended;
      for (const text of [GONE, 'u:ada']) expect(await tablesWith(sql, text), `${step}: ${text}`).toEqual([]);
      expect(await tablesWith(sql, KEPT)).toContain('tp_exchanges');
      // The service vacuums, after which nothing reads them; this rewrites the pages that they stood on.
      await sql`vacuum full`;
      expect(await onDisk(sql, GONE), step).toEqual([]);
      expect((await onDisk(sql, KEPT)).length).toBeGreaterThan(0);
      await sql.end();
    }
    expect(emulator.threads).toBe(threads - 1);
  }, 240_000);
});

/** The files of the database that have the text's bytes in them, once all is written to them. */
const onDisk = async (sql: Connection, text: string): Promise<string[]> => {
  await sql`checkpoint`;
  const [row] = await sql`
    select current_setting('data_directory') as folder,
      (select oid from pg_database where datname = current_database())::text as database`;
  return filesWith(path.join(String(row?.folder), 'base', String(row?.database)), text);
};
