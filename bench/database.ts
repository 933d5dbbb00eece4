/** A Postgres of the bench's own, durable as one in service, and rows to fill it with. */

import postgres from 'postgres';
import { openPostgresStore } from '../src/stores/postgres/postgres-store.ts';
import { withOurTables } from '../test/helpers/new-database.ts';
import { startPostgres, type TestPostgres } from '../test/helpers/postgres.ts';

export const startDatabase = (): Promise<TestPostgres> => startPostgres({ durable: true });

/** Visitors that the rows are spread over. */
export const VISITORS = 500;

const quiet = () => undefined;

/** Makes the tables, and rows in them. @returns The database's URL. */
export const newDatabase = async (server: TestPostgres, rows: number): Promise<string> => {
  const url = await server.newDatabase();
  const store = await openPostgresStore({
    url,
    wait: 10_000,
    maxWaiting: 3,
    clock: { now: () => Date.now() },
    logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
  await store.close();
  const sql = postgres(withOurTables(url), { max: 1, onnotice: quiet });
  await sql`
    insert into tp_visitors (key, next, messages, last_seen)
    select 'u:visitor-' || i, ${rows}::bigint, ${Math.ceil(rows / VISITORS)}::bigint, 1760000000
    from generate_series(0, ${VISITORS - 1}::int) as i`;
  await sql`
    insert into tp_exchanges (id, visitor, place, said, answer, at)
    select gen_random_uuid()::text, 'u:visitor-' || (i % ${VISITORS}::int), i,
      repeat('What does it cost? ', 5), repeat('That depends on what you need. ', 10), 1760000000 + i
    from generate_series(1, ${rows}::int) as i`;
  await sql`vacuum analyze`;
  await sql`checkpoint`;
  await sql.end();
  return url;
};
