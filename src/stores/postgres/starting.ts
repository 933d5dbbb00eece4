import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Logger } from '../../chat/ports.ts';
import type { Target } from './connection-settings.ts';
import { connect, type Database } from './database.ts';
import type { Sql } from './driver.ts';
import { isSetup, reasonOf, sqlState } from './failures.ts';
import { migrate, NewerSchema } from './schema.ts';
import type { Tuning } from './tuning.ts';

/** Milliseconds that bringing the tables to a new version may take. */
const MIGRATION_MS = 60 * 60_000;

/** What is wrong with a database that can be reached: waiting does not help. */
class Unusable extends Error {}

const encodingRow = z.object({ server_encoding: z.string() });
const movingRow = z.object({ value: z.string() });

const look = async (sql: Sql, logger: Logger, isMover: boolean): Promise<void> => {
  const [settings] = await sql`show server_encoding`;
  const { server_encoding: encoding } = encodingRow.parse(settings);
  if (encoding !== 'UTF8') {
    throw new Unusable(`it keeps texts as ${encoding}; it must be made with the encoding UTF8`);
  }
  await migrate(sql, logger);
  const [moving] = await sql`select value from tp_meta where name = 'moving'`;
  if (!moving || isMover) return;
  const { value } = movingRow.parse(moving);
  throw new Unusable(
    `it is half-moved, and the move from ${value} is not complete. Run the same move again until it is done: npm run move -- --from ${value} --to DATABASE_URL`,
  );
};

/**
 * Waits for the database and makes its tables ready.
 * @param deps.wait Milliseconds that a database is waited for that is not there yet.
 * @throws Error that names the database, never its password, and what is wrong.
 */
export const prepare = async (deps: {
  target: Target;
  wait: number;
  tuning: Tuning;
  logger: Logger;
  /** Whether it is opened to be moved: a server refuses what is half-moved. */
  isMover?: boolean;
}): Promise<void> => {
  const { target, wait, tuning, logger, isMover = false } = deps;
  const giveUpAt = performance.now() + wait;
  let toldAt = Number.NEGATIVE_INFINITY;
  for (;;) {
    const patient = { ...tuning, connections: 1, statementMs: 0, silenceMs: MIGRATION_MS };
    const database: Database = connect({
      target,
      tuning: patient,
      logger: { ...logger, error: () => undefined },
    });
    try {
      await database.try((sql) => look(sql, logger, isMover));
      return;
    } catch (thrown) {
      const reason = reasonOf(thrown);
      const now = performance.now();
      const failure = (what: string) => new Error(`The database ${target.name} ${what}: ${reason}`);
      if (isSetup(thrown) || thrown instanceof Unusable || thrown instanceof NewerSchema)
        throw failure('cannot be used');
      if (now >= giveUpAt) throw failure(sqlState(thrown) ? 'is not ready' : 'cannot be reached');
      if (now - toldAt >= tuning.tellMs) {
        toldAt = now;
        logger.warn({ database: target.name, reason }, 'the database is not there yet; it is waited for');
      }
      await sleep(Math.min(tuning.retryMs, Math.max(0, giveUpAt - now)));
    } finally {
      await database.close(0);
    }
  }
};
