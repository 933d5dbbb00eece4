import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Logger } from '../../chat/ports.ts';
import { type ConnectionSettings, quoted } from './connection-settings.ts';
import { connect, type Database } from './database.ts';
import type { Sql } from './driver.ts';
import { isRefusedParameter, isSetup, reasonOf, sqlState, Unusable } from './failures.ts';
import { findSchema, makeSchema } from './find-schema.ts';
import { lockSchema, migrate, NewerSchema } from './schema.ts';
import type { Tuning } from './tuning.ts';

/** Milliseconds that bringing the tables to a new version may take. */
const MIGRATION_MS = 60 * 60_000;

const encodingRow = z.object({ server_encoding: z.string() });
const settingRow = z.object({ setting: z.string() });
const movingRow = z.object({ value: z.string() });

interface Preparation {
  readonly settings: ConnectionSettings;
  /** DATABASE_SCHEMA, where it is set. */
  readonly schema: string | undefined;
  /** Milliseconds that a database is waited for that is not there yet. */
  readonly wait: number;
  readonly tuning: Tuning;
  readonly logger: Logger;
  /** Whether it is opened to be moved: a server refuses what is half-moved. */
  readonly isMover?: boolean;
}

/** A database whose tables are ready. */
export interface Prepared {
  /** How to connect to it from now on. */
  readonly settings: ConnectionSettings;
  readonly schema: string;
  /** Whether the schema was named, by the URL or by DATABASE_SCHEMA. */
  readonly isNamed: boolean;
}

/** What the session was given does not hold: a pooler in between ignores it. */
class Ignored extends Error {}

const check = async (
  sql: Sql,
  { settings, schema: named, logger, isMover }: Preparation,
): Promise<Prepared> => {
  const [encodings] = await sql`show server_encoding`;
  const { server_encoding: encoding } = encodingRow.parse(encodings);
  if (encoding !== 'UTF8') {
    throw new Unusable(`it keeps texts as ${encoding}; it must be made with the encoding UTF8`);
  }
  const [timeout] = await sql`select setting from pg_settings where name = 'statement_timeout'`;
  if (settingRow.parse(timeout).setting !== `${MIGRATION_MS}`) throw new Ignored();
  const { schema, searchPath, isNamed, isThere } = await findSchema(sql, settings, named, logger);
  if (!isThere) {
    await lockSchema(sql, schema);
    await makeSchema(sql, schema, settings.user);
  }
  await sql`select set_config('search_path', ${quoted(schema)}, true)`;
  await migrate(sql, schema, logger);
  const [moving] = await sql`select value from tp_meta where name = 'moving'`;
  if (moving && !isMover) {
    const { value } = movingRow.parse(moving);
    throw new Unusable(
      `it is half-moved, and the move from ${value} is not complete. Run the same move again until it is done: npm run move -- --from ${value} --to DATABASE_URL`,
    );
  }
  return { settings: { ...settings, searchPath }, schema, isNamed };
};

/**
 * Waits for the database, finds out how it must be spoken to, and makes its tables ready.
 * @throws Error that names the database, never its password, and what is wrong.
 */
export const prepare = async (given: Preparation): Promise<Prepared> => {
  const { wait, tuning, logger } = given;
  let { settings } = given;
  const giveUpAt = performance.now() + wait;
  let toldAt = Number.NEGATIVE_INFINITY;
  for (;;) {
    const patient = { ...tuning, connections: 1, statementMs: MIGRATION_MS, silenceMs: MIGRATION_MS };
    const database: Database = connect({
      settings,
      tuning: patient,
      logger: { ...logger, error: () => undefined },
    });
    try {
      return await database.transaction((sql) => check(sql, { ...given, settings }));
    } catch (thrown) {
      if (!settings.isPooled && (thrown instanceof Ignored || isRefusedParameter(thrown))) {
        logger.info(
          { database: settings.name },
          'a pooler is in front of the database: sessions are not relied on',
        );
        settings = { ...settings, isPooled: true };
        continue;
      }
      const reason = reasonOf(thrown);
      const now = performance.now();
      const failure = (what: string) => new Error(`The database ${settings.name} ${what}: ${reason}`);
      if (isSetup(thrown) || thrown instanceof Unusable || thrown instanceof NewerSchema)
        throw failure('cannot be used');
      if (now >= giveUpAt) throw failure(sqlState(thrown) ? 'is not ready' : 'cannot be reached');
      if (now - toldAt >= tuning.tellMs) {
        toldAt = now;
        logger.warn({ database: settings.name, reason }, 'the database is not there yet; waiting for it');
      }
      await sleep(Math.min(tuning.retryMs, Math.max(0, giveUpAt - now)));
    } finally {
      await database.close(0);
    }
  }
};
