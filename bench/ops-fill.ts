/** Stores with exchanges of the last 30 days in them, as operators look at. */

import { createHash, randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { createCalendar } from '../src/ops/calendar.ts';
import { periodOf } from '../src/ops/pages/time-axis.ts';
import { openSqliteOps } from '../src/ops/sqlite/sqlite-ops-store.ts';
import { openPostgresStore } from '../src/stores/postgres/postgres-store.ts';
import { openSqliteStore } from '../src/stores/sqlite/sqlite-store.ts';
import { withOurTables } from '../test/helpers/new-database.ts';
import type { TestPostgres } from '../test/helpers/postgres.ts';

const DAYS_S = 30 * 86_400;
const VISITORS = 5_000;
const ASK = 'Please tell me. '.repeat(4);
const TELL = 'It comes in a few days. '.repeat(8);

const quiet = () => undefined;
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const clock = { now: () => Date.now() };

/** A word that no other text has, so that texts are not all alike to an index. */
const ticket = (n: number): string => createHash('md5').update(String(n)).digest('hex');

const rowAt = (n: number, timestamp: number) => ({
  id: randomUUID(),
  visitor: `u:visitor-${n % VISITORS}`,
  user: `What does order ${n} cost, and when does it come? ${ASK}${ticket(n)}`,
  bot: n % 50 === 0 ? null : `Order ${n} costs ${n % 97} euros. ${TELL}`,
  ...(n % 50 === 0 && { error: 'upstream_timeout' }),
  timestamp,
  usage: { input: 300 + (n % 100), output: 80 },
  run: {
    backend: 'responses',
    model: 'gpt-6-luna',
    queuedMs: 1,
    firstWordMs: 300 + (n % 700),
    totalMs: 1_500 + (n % 2_000),
  },
});

/** Fills a data folder, its conversations.json and archive included. */
export const fillFolder = async (dir: string, rows: number): Promise<void> => {
  // The copies are written once, at the end.
  const tuning = { smallWaitMs: 3_600_000, largeBytes: Number.POSITIVE_INFINITY, stallMs: 60_000 };
  const store = await openSqliteStore({ dir, maxBytes: 64_000_000, clock, logger, tuning });
  const ops = await openSqliteOps(store);
  const start = clock.now() / 1000 - DAYS_S;
  const at = (n: number) => ({ row: rowAt(n, start + (n * DAYS_S) / rows) });
  for (let n = 0; n < rows; n += 500) {
    await store.add(Array.from({ length: Math.min(500, rows - n) }, (_, index) => at(n + index)));
  }
  await store.updateCopy();
  // Makes all of it searchable and counted, as it is after a while.
  await ops.conversations({ words: ['nothing like it'] }, { limit: 1 });
  await ops.overview([0, 1]);
  ops.stop();
  await store.close();
};

/** Makes a database with the tables of the store, and the same rows. @returns Its URL. */
export const filledDatabase = async (server: TestPostgres, rows: number): Promise<string> => {
  const url = await server.newDatabase();
  const store = await openPostgresStore({ url, wait: 10_000, maxWaiting: 3, clock, logger });
  await store.close();
  const sql = postgres(withOurTables(url), { max: 1, onnotice: quiet });
  await sql`drop index tp_exchanges_words`;
  await sql`
    insert into tp_visitors (key, next, messages, last_seen)
    select 'u:visitor-' || i, ${rows}::bigint, ${Math.ceil(rows / VISITORS)}::bigint, extract(epoch from now())
    from generate_series(0, ${VISITORS - 1}::int) as i`;
  await sql`
    insert into tp_exchanges (id, visitor, place, said, answer, at, error, backend, model, queued_ms, first_word_ms,
      total_ms, tokens_in, tokens_out, folded)
    select gen_random_uuid()::text, 'u:visitor-' || (i % ${VISITORS}::int), i, said, answer,
      extract(epoch from now()) - ${DAYS_S}::float8 + i * ${DAYS_S / rows}::float8,
      case when i % 50 = 0 then 'upstream_timeout' end, 'responses', 'gpt-6-luna', 1, 300 + i % 700, 1500 + i % 2000,
      300 + i % 100, 80, lower(said || chr(10) || coalesce(answer, ''))
    from (
      select i, 'What does order ' || i || ' cost, and when does it come? ' || ${ASK}::text || md5(i::text) as said,
        case when i % 50 > 0 then 'Order ' || i || ' costs ' || i % 97 || ' euros. ' || ${TELL}::text end as answer
      from generate_series(1, ${rows}::int) as i
    ) texts`;
  // As docs/scale.md has it; beside the filling it would take longer.
  await sql`
    create index tp_exchanges_words on tp_exchanges using gin (folded public.gin_trgm_ops) with (gin_pending_list_limit = 8192)`;
  await sql`vacuum analyze`;
  await sql`checkpoint`;
  await sql.end();
  await countDays(url);
  return url;
};

/** Counts the days that are over, as a service does that runs for a while. */
const countDays = async (url: string): Promise<void> => {
  const tuning = { statementMs: 600_000, silenceMs: 600_000 };
  const store = await openPostgresStore({ url, wait: 10_000, maxWaiting: 3, clock, logger, tuning });
  const { before, edges } = periodOf('30d', createCalendar(process.env.TZ), clock.now());
  await store.ops.overview([...before.slice(0, -1), ...edges]);
  await store.close();
};
