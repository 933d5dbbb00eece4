import type { TransactionSql } from 'postgres';
import { z } from 'zod';
import type { Logger } from '../../chat/ports.ts';
import type { Sql } from './driver.ts';

/**
 * The steps that make the tables, each applied once, in order. What a release has applied is never changed: a new
 * step changes it. Processes of the release before may still run beside: a step must let them.
 *
 * Texts that are keys are compared byte by byte ("C"), so that no database's language has a say in who is who.
 */
const STEPS: readonly string[] = [
  `
  create table tp_meta (name text primary key, value text not null);

  -- Processes that live, each with a count that goes up as long as it does.
  create table tp_processes (id text primary key, beat bigint not null default 0);

  create table tp_visitors (
    key text collate "C" primary key,
    -- The place that was last given to a message of the visitor.
    next bigint not null default 0,
    -- Messages that are taken and not finished.
    waiting integer not null default 0,
    -- Exchanges up to these places were cleared, or removed from the log.
    cleared bigint not null default 0,
    dropped bigint not null default 0,
    thread_id text,
    thread_made_by text,
    messages bigint not null default 0,
    last_seen double precision,
    name text
  ) with (fillfactor = 70);
  create index tp_visitors_by_name on tp_visitors (name collate "C", key) where name is not null;

  -- Messages that are taken and not finished.
  create table tp_taken (
    id text collate "C" primary key,
    visitor text collate "C" not null,
    place bigint not null,
    -- Who runs it; null where that process is gone.
    process text,
    said text not null,
    at double precision not null,
    key text,
    name text,
    stop boolean not null default false,
    -- Set where the message is to count as never taken.
    undone timestamptz
  );
  create index tp_taken_by_place on tp_taken (visitor, place);
  create index tp_taken_left on tp_taken (id) where process is null;
  create index tp_taken_to_stop on tp_taken (process) where stop;

  create table tp_exchanges (
    seq bigint generated always as identity primary key,
    id text collate "C" not null unique,
    -- Null: nobody's, of an older log.
    visitor text collate "C",
    place bigint not null,
    said text not null,
    answer text,
    error text,
    truncated boolean not null default false,
    tokens_in double precision,
    tokens_out double precision,
    at double precision not null,
    name text,
    cleared boolean not null default false,
    -- What an older log has beside, as JSON.
    more text
  );
  create index tp_exchanges_by_visitor on tp_exchanges (visitor, cleared, seq);
  create index tp_exchanges_by_time on tp_exchanges (at);

  create table tp_keys (
    key text collate "C" primary key,
    id text not null,
    at double precision not null,
    -- Whether the key may be used anew: its message has failed.
    free boolean not null default false
  );
  create index tp_keys_by_time on tp_keys (at);

  create table tp_vouched (id text collate "C" primary key);
  create table tp_ended (token text collate "C" primary key, until double precision not null);
  create table tp_facts (name text collate "C" primary key, value text not null, set_at timestamptz not null default now());
  create table tp_days (day text collate "C" primary key, count bigint not null);

  -- Calls in the present windows: not worth a write-ahead log. A crash of the database begins them anew.
  create unlogged table tp_calls (key text collate "C" primary key, count bigint not null, resets timestamptz not null);
  `,
];

/** The lock under which the tables are made: any number, as long as it stays the same. */
const LOCK = 746_865_716;

/** The tables are those of a newer release. */
export class NewerSchema extends Error {}

const thereRow = z.object({ there: z.boolean() });
const versionRow = z.object({ version: z.number() });

const versionIn = async (sql: TransactionSql | Sql): Promise<number> => {
  const [table] = await sql`select to_regclass('tp_schema_versions') is not null as there`;
  if (!thereRow.parse(table).there) return 0;
  const [last] = await sql`select coalesce(max(version), 0)::integer as version from tp_schema_versions`;
  return versionRow.parse(last).version;
};

/**
 * Brings the tables to the version that this code knows; many processes may do it at once.
 * @throws NewerSchema
 */
export const migrate = async (sql: Sql, logger: Logger): Promise<void> => {
  const known = STEPS.length;
  const refuseNewer = (version: number): void => {
    if (version <= known) return;
    throw new NewerSchema(
      `its tables are of version ${version}, and this release of thread-proxy knows versions up to ${known}. Start the newer release again`,
    );
  };
  // Whoever may use the tables need not have the right to make them.
  const before = await versionIn(sql);
  refuseNewer(before);
  if (before === known) return;
  await sql.begin(async (own) => {
    await own`select pg_advisory_xact_lock(${LOCK}::integer, hashtext(current_schema()))`;
    // Asked for by name the table might still seem to be missing, from before the wait for the lock; this one looks.
    // Only then: where the search path has got another schema in front, a second table would hide the first.
    if (before === 0)
      await own`create table if not exists tp_schema_versions (version integer primary key, applied timestamptz not null default now())`;
    const version = await versionIn(own);
    refuseNewer(version);
    for (const [index, step] of STEPS.entries()) {
      if (index < version) continue;
      await own.unsafe(step);
      await own`insert into tp_schema_versions (version) values (${index + 1})`;
      logger.info({ version: index + 1 }, 'the database’s tables were brought to a new version');
    }
  });
};
