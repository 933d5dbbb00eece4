import { z } from 'zod';
import type { Logger } from '../../chat/ports.ts';
import { type ConnectionSettings, quoted } from './connection-settings.ts';
import type { Sql } from './driver.ts';
import { sqlState, Unusable } from './failures.ts';

/** The schema that is ours where nothing else is said. */
export const DEFAULT_SCHEMA = 'thread_proxy';

/** Which schema the tables are in, or are to be made in. */
export interface FoundSchema {
  readonly schema: string;
  /** The search path with which statements find the tables. */
  readonly searchPath: string;
  /** Whether the URL or DATABASE_SCHEMA names it. */
  readonly isNamed: boolean;
  /** Whether our tables are there, of whatever version. */
  readonly isThere: boolean;
}

const contentRow = z.object({
  ours: z.array(z.string()),
  usable: z.array(z.string()),
  path: z.array(z.string()),
  others: z.array(z.tuple([z.string(), z.number()])),
});

/** The schemas that hold our tables, the search path, and the schemas that hold tables of others with their number. */
const contentOf = async (sql: Sql) => {
  const rows = await sql`
    with relations as (
      select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        -- What an extension has brought belongs to no application.
        and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
    ), ours as (select schema from relations where name = 'tp_schema_versions'),
    others as (
      select schema, count(*)::integer as count from relations where schema not in (select schema from ours) group by schema
    )
    select (select coalesce(json_agg(schema), '[]') from ours) as ours,
      (select coalesce(json_agg(schema), '[]') from ours where has_schema_privilege(schema, 'usage')) as usable,
      to_json(current_schemas(false)) as path,
      (select coalesce(json_agg(json_build_array(schema, count) order by schema), '[]') from others) as others`;
  return contentRow.parse(rows[0]);
};

/** The names in a search path, in order. */
const namesIn = (searchPath: string, user: string): string[] =>
  [...searchPath.matchAll(/"((?:[^"]|"")+)"|([^\s,"]+)/g)].map(([, inQuotes, bare = '']) =>
    inQuotes === undefined ? (bare === '$user' ? user : bare.toLowerCase()) : inQuotes.replaceAll('""', '"'),
  );

/**
 * Finds the schema of our tables. Where none is named it is `thread_proxy`; tables that are in the search path since
 * before there was a schema of our own are used where they are, because moving them would break processes of the
 * release before that still run, and needs rights that the account may not have.
 * @param named DATABASE_SCHEMA; the URL's search path comes after it.
 * @throws Unusable where the database belongs to another application and no schema is named.
 */
export const findSchema = async (
  sql: Sql,
  settings: ConnectionSettings,
  named: string | undefined,
  logger: Logger,
): Promise<FoundSchema> => {
  const { ours, usable, path, others } = await contentOf(sql);
  const count = others.reduce((sum, [, tables]) => sum + tables, 0);
  const isNamed = named !== undefined || settings.searchPath !== undefined;
  const candidates =
    named !== undefined
      ? [named]
      : settings.searchPath !== undefined
        ? namesIn(settings.searchPath, settings.user)
        : [DEFAULT_SCHEMA, ...path];
  const there = candidates.find((name) => ours.includes(name));
  const schema = there ?? candidates[0] ?? DEFAULT_SCHEMA;
  const found = { schema, searchPath: quoted(schema), isNamed, isThere: there !== undefined };
  if (there !== undefined) {
    if (usable.includes(there)) return found;
    const grant = `grant usage on schema ${quoted(there)} to ${quoted(settings.user)}`;
    throw new Unusable(
      `the account ${settings.user} may not use its schema ${there}. Let the owner run: ${grant}`,
    );
  }

  if (!isNamed && count > 0) {
    const schemas = others.map(([name, tables]) => `${name}: ${tables}`).join(', ');
    throw new Unusable(
      `it holds tables of another application (${schemas}) and none of thread-proxy. If it is the right one, set DATABASE_SCHEMA=${DEFAULT_SCHEMA}: the tables are then made in a schema of that name, and no other table is touched. If not, DATABASE_URL was meant for another program: name a database of its own`,
    );
  }
  if (others.some(([name]) => name === schema)) {
    throw new Unusable(
      `its schema ${schema} holds tables of another application. Name a schema that is thread-proxy’s alone, such as DATABASE_SCHEMA=${DEFAULT_SCHEMA}`,
    );
  }
  const unused = ours.filter((name) => path.includes(name));
  if (named !== undefined && unused.length > 0) {
    logger.warn(
      { schema, unused },
      'the tables of thread-proxy in another schema of the database are not used',
    );
  }
  logger.info(
    { database: settings.name, schema, tablesOfOthers: count },
    'making the tables of thread-proxy in a schema of their own',
  );
  return found;
};

const thereRow = z.object({ there: z.boolean() });

/** Makes the schema where it is missing. @throws Unusable that says what to do where the account may not. */
export const makeSchema = async (sql: Sql, schema: string, user: string): Promise<void> => {
  const rows = await sql`select exists (select from pg_namespace where nspname = ${schema}) as there`;
  if (thereRow.parse(rows[0]).there) return;
  try {
    await sql.unsafe(`create schema if not exists ${quoted(schema)}`);
  } catch (thrown) {
    if (sqlState(thrown) !== '42501') throw thrown;
    throw new Unusable(
      `the account ${user} may not make a schema. Let the database's owner run: create schema ${quoted(schema)} authorization ${quoted(user)}`,
    );
  }
};
