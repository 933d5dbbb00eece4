import postgres from 'postgres';
import type { Target } from './connection-settings.ts';
import { isReadOnly, sqlState } from './failures.ts';
import type { Tuning } from './tuning.ts';

export type Sql = postgres.Sql;

interface Pool {
  readonly sql: Sql;
  /** Statements under way. */
  busy: number;
  isRetired: boolean;
}

/** What the driver is told. The environment is not asked: everything that it would look for there is given. */
const optionsFor = (target: Target, tuning: Tuning, socket: () => Promise<unknown>) => ({
  host: target.host,
  port: target.port,
  database: target.database,
  user: target.user,
  password: () => target.password,
  // TLS is spoken below the driver.
  ssl: false,
  socket,
  // One more, for signs of life.
  max: tuning.connections + 1,
  prepare: target.prepare,
  connect_timeout: Math.ceil(tuning.connectMs / 1000),
  // No array is read or written, so that their types need not be asked for with each connection.
  fetch_types: false,
  backoff: () => 0,
  idle_timeout: undefined,
  max_lifetime: 30 * 60,
  keep_alive: 30,
  onnotice: () => undefined,
  connection: {
    ...target.session,
    // Behind a pooler a session is shared: what is set for it would be set for others, or is refused.
    ...(target.prepare && { statement_timeout: tuning.statementMs }),
  },
  types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
});

/** @throws Error where `work` is not settled within `ms`. */
const within = async <T>(ms: number, work: PromiseLike<T>): Promise<T> => {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${ms} ms`)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
};

/** The driver's connections. */
export interface Driver {
  /** @throws What the database or the network throws. */
  use<T>(statement: (sql: Sql) => PromiseLike<T>): Promise<T>;
  end(): Promise<void>;
}

/**
 * Opens the driver, and opens it anew whenever a connection was lost: it remembers of one that is gone what was under
 * way, mixes it with what the next one says, and may then wait for what never comes. So too where the server may only
 * be read: the one that may be written is found by connecting anew.
 */
export const openDriver = (deps: {
  target: Target;
  tuning: Tuning;
  socket: () => Promise<unknown>;
}): Driver => {
  const options = optionsFor(deps.target, deps.tuning, deps.socket);
  const open = (): Pool => ({ sql: postgres(options), busy: 0, isRetired: false });
  let current = open();
  // To connect, to be let in and to answer, each takes as long as it may, before this one is reached.
  const lateMs = 2 * deps.tuning.connectMs + 2 * deps.tuning.silenceMs;
  // With a timeout of 0 it waits for nothing, not for what is lost either.
  const end = (pool: Pool): Promise<void> => pool.sql.end({ timeout: 0 });

  return {
    use: async (statement) => {
      const pool = current;
      pool.busy += 1;
      try {
        return await within(lateMs, statement(pool.sql));
      } catch (thrown) {
        if ((sqlState(thrown) === undefined || isReadOnly(thrown)) && !pool.isRetired) {
          pool.isRetired = true;
          current = open();
        }
        throw thrown;
      } finally {
        pool.busy -= 1;
        if (pool.isRetired && pool.busy === 0) await end(pool);
      }
    },
    end: () => end(current),
  };
};
