import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../chat/ports.ts';
import { connect, type Database, type Sql } from './database.ts';
import { isSetup, reasonOf, sqlState } from './failures.ts';
import { migrate } from './schema.ts';
import type { Target } from './target.ts';
import type { Tuning } from './tuning.ts';

/** Milliseconds that bringing the tables to a new version may take. */
const MIGRATION_MS = 60 * 60_000;

const look = async (sql: Sql, logger: Logger): Promise<void> => {
  const [settings] = await sql<{ server_encoding: string }[]>`show server_encoding`;
  if (settings?.server_encoding !== 'UTF8') {
    throw new Error(
      `The database keeps texts as ${settings?.server_encoding}; it must be made with encoding 'UTF8'.`,
    );
  }
  await migrate(sql, logger);
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
}): Promise<void> => {
  const { target, wait, tuning, logger } = deps;
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
      await database.try((sql) => look(sql, logger));
      return;
    } catch (thrown) {
      const reason = reasonOf(thrown);
      const isOurs = thrown instanceof Error && thrown.message.startsWith('The database ');
      if (isOurs) throw thrown;
      const now = performance.now();
      const failure = (what: string) => new Error(`The database ${target.name} ${what}: ${reason}`);
      if (isSetup(thrown)) throw failure('cannot be used');
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
