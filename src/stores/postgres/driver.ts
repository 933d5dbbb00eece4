import postgres from 'postgres';
import type { ConnectionSettings } from './connection-settings.ts';
import { isReadOnly, sqlState } from './failures.ts';
import type { Tuning } from './tuning.ts';

/** What runs a statement: the pool, or the connection of one transaction. */
export type Sql = postgres.ISql;

/** Options of a transaction. */
export type TransactionMode = '' | 'isolation level repeatable read read only';

interface Pool {
  readonly sql: postgres.Sql;
  /** Statements in progress. */
  busy: number;
  isRetired: boolean;
}

/**
 * Settings of sessions for what may take long: it takes one processor, and not those of the turns, too. Compiling a query
 * takes longer than any of ours gains by it; planning it for its values, such as the word that is searched, does not.
 */
// As texts: the driver leaves out what is false.
const LONG_SESSION = {
  max_parallel_workers_per_gather: '0',
  jit: 'off',
  plan_cache_mode: 'force_custom_plan',
} as const;

interface DriverDeps {
  settings: ConnectionSettings;
  tuning: Tuning;
  socket: () => Promise<unknown>;
}

/** What the driver is told. It never reads the environment: everything that it would look for there is given. */
const optionsFor = ({ settings, tuning, socket }: DriverDeps) => ({
  host: settings.host,
  port: settings.port,
  database: settings.database,
  user: settings.user,
  password: () => settings.password,
  // TLS is spoken below the driver.
  ssl: false,
  socket,
  // One more, for heartbeats.
  max: tuning.connections + 1,
  // A pooler may give the next statement another server, which knows nothing of what this one has prepared.
  prepare: !settings.isPooled,
  connect_timeout: Math.ceil(tuning.connectMs / 1000),
  // No array is read or written, so that their types need not be asked for with each connection.
  fetch_types: false,
  backoff: () => 0,
  idle_timeout: undefined,
  max_lifetime: 30 * 60,
  keep_alive: 30,
  onnotice: () => undefined,
  connection: {
    application_name: settings.applicationName,
    // A pooler refuses these, or would set them for whoever gets the session next: there each transaction sets its own.
    ...(!settings.isPooled && {
      ...(settings.options !== undefined && { options: settings.options }),
      statement_timeout: tuning.statementMs,
      ...(tuning.isLong && LONG_SESSION),
      ...(settings.searchPath !== undefined && { search_path: settings.searchPath }),
    }),
  },
  types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
});

/** The statement that gives one transaction what a session of its own would have. */
const transactionSettings = ({ searchPath }: ConnectionSettings, { statementMs, isLong }: Tuning): string => {
  const values = {
    statement_timeout: statementMs,
    ...(searchPath !== undefined && { search_path: searchPath }),
    ...(isLong && LONG_SESSION),
  };
  const literal = (value: string | number): string => `'${String(value).replaceAll("'", "''")}'`;
  const sets = Object.entries(values).map(
    ([name, value]) => `set_config('${name}', ${literal(value)}, true)`,
  );
  return `select ${sets.join(', ')}`;
};

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
  /** Runs one statement. @throws What the database or the network throws. */
  use<T>(statement: (sql: Sql) => PromiseLike<T>): Promise<T>;
  /** Runs several statements in one transaction. @throws As `use`; nothing is done then. */
  transaction<T>(work: (sql: Sql) => Promise<T>, mode: TransactionMode): Promise<T>;
  /** Runs a statement that no transaction may hold, such as a vacuum. It must name its tables with their schema. */
  maintain(statement: string): Promise<void>;
  end(): Promise<void>;
}

/**
 * Opens the driver, and opens a new one whenever a connection was lost: the old one keeps state of the lost connection,
 * mixes it with what the next one says, and may then wait forever. The same where the server has become read-only: the
 * writable one is found by connecting again.
 */
export const openDriver = (deps: DriverDeps): Driver => {
  const { settings, tuning } = deps;
  const options = optionsFor(deps);
  const local = transactionSettings(settings, tuning);
  const open = (): Pool => ({ sql: postgres(options), busy: 0, isRetired: false });
  let current = open();
  // Connecting, logging in and answering have bounds of their own; this one is above their sum.
  const lateMs = 2 * tuning.connectMs + 2 * tuning.silenceMs;
  // Without the timeout the driver would wait for statements that are lost.
  const end = (pool: Pool): Promise<void> => pool.sql.end({ timeout: 0 });

  const withPool = async <T>(work: (sql: postgres.Sql) => PromiseLike<T>): Promise<T> => {
    const pool = current;
    pool.busy += 1;
    try {
      return await within(lateMs, work(pool.sql));
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
  };

  /** Runs work in a transaction, and returns it boxed: the driver would unpack what it returns. */
  const inTransaction = async <T>(
    sql: postgres.Sql,
    mode: TransactionMode,
    work: (own: Sql) => PromiseLike<T>,
  ): Promise<T> => {
    const { result } = await sql.begin(mode, async (own) => {
      // Sent ahead of the work without waiting for it; where it fails, so does the transaction.
      if (settings.isPooled) own.unsafe(local).execute();
      return { result: await work(own) };
    });
    return result;
  };

  return {
    use: (statement) =>
      withPool((sql) => (settings.isPooled ? inTransaction(sql, '', statement) : statement(sql))),
    maintain: async (statement) => {
      await withPool((sql) => sql.unsafe(statement));
    },
    transaction: (work, mode) => withPool((sql) => inTransaction(sql, mode, work)),
    end: () => end(current),
  };
};
