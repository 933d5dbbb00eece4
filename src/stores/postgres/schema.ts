import { z } from 'zod';
import type { Logger } from '../../chat/ports.ts';
import type { Sql } from './driver.ts';
import { STEPS } from './schema-steps.ts';

/** The version of the tables that this code knows. */
export const KNOWN_VERSION = STEPS.length;

/** The lock under which the tables are made: any number, as long as it stays the same. */
const LOCK = 746_865_716;

/** The tables are those of a newer release. */
export class NewerSchema extends Error {}

const thereRow = z.object({ there: z.boolean() });
const versionRow = z.object({ version: z.number() });

/** The version of the tables in the schema that is first in the search path; 0: there are none. */
const versionIn = async (sql: Sql): Promise<number> => {
  const [table] = await sql`select to_regclass('tp_schema_versions') is not null as there`;
  if (!thereRow.parse(table).there) return 0;
  const [last] = await sql`select coalesce(max(version), 0)::integer as version from tp_schema_versions`;
  return versionRow.parse(last).version;
};

/** Waits until no other process makes these tables; until the end of the transaction. */
export const lockSchema = async (sql: Sql, schema: string): Promise<void> => {
  await sql`select pg_advisory_xact_lock(${LOCK}::integer, hashtext(${schema}))`;
};

const refuseNewer = (version: number): void => {
  if (version <= KNOWN_VERSION) return;
  throw new NewerSchema(
    `its tables are of version ${version}, and this release of thread-proxy knows versions up to ${KNOWN_VERSION}. Start the newer release again`,
  );
};

/**
 * Brings the tables of the current schema to the version that this code knows. To be called in a transaction; many
 * processes may do so at once.
 * @throws NewerSchema
 */
export const migrate = async (sql: Sql, schema: string, logger: Logger): Promise<void> => {
  // An account that may use the tables need not have the right to make them.
  const before = await versionIn(sql);
  refuseNewer(before);
  if (before === KNOWN_VERSION) return;
  await lockSchema(sql, schema);
  // "if not exists" looks again after the wait for the lock, which a look by name might not.
  if (before === 0)
    await sql`create table if not exists tp_schema_versions (version integer primary key, applied timestamptz not null default now())`;
  const version = await versionIn(sql);
  refuseNewer(version);
  for (const [index, step] of STEPS.entries()) {
    if (index < version) continue;
    await sql.unsafe(step);
    await sql`insert into tp_schema_versions (version) values (${index + 1})`;
    logger.info({ schema, version: index + 1 }, 'the database’s tables were brought to a new version');
  }
};
