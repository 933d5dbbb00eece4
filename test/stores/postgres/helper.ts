import postgres from 'postgres';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import type { AcceptedMessage, Exchange } from '../../../src/chat/model.ts';
import type { Accepted, Store } from '../../../src/chat/store-port.ts';
import {
  openPostgresStore,
  type PostgresStore,
  type PostgresStoreDeps,
} from '../../../src/stores/postgres/postgres-store.ts';
import type { Tuning } from '../../../src/stores/postgres/tuning.ts';
import { withOurTables } from '../../helpers/new-database.ts';
import type { TestDatabases, TestPostgres } from '../../helpers/postgres.ts';
import { startProxy, type TcpProxy } from '../../helpers/tcp-proxy.ts';
import { clock, eventually, memoryLogger } from '../sqlite/helper.ts';

/** What the store of a test is opened with; each names only what it is about. */
export const storeDeps = (url: string, overrides: Partial<PostgresStoreDeps> = {}): PostgresStoreDeps => ({
  url,
  wait: 0,
  maxWaiting: 3,
  clock,
  logger: memoryLogger(),
  ...overrides,
});

/** Opens a store that is closed after the test, if it is not by then. */
export const openStore = async (
  url: string,
  overrides: Partial<PostgresStoreDeps> = {},
): Promise<PostgresStore> => {
  const store = await openPostgresStore(storeDeps(url, overrides));
  onTestFinished(() => store.close());
  return store;
};

/** A connection of the test's own, which finds the store's tables. */
export const connectTo = (url: string): postgres.Sql => {
  const sql = postgres(withOurTables(url), { max: 1, onnotice: () => undefined });
  onTestFinished(() => sql.end());
  return sql;
};

const messageRows = z.array(z.object({ said: z.string() }));

/** The messages of all exchanges in the log, those that were cleared included, oldest first. */
export const messagesIn = async (url: string): Promise<string[]> => {
  const rows = await connectTo(url)`select said from tp_exchanges where visitor is not null order by seq`;
  return messageRows.parse([...rows]).map(({ said }) => said);
};

/** Stores on one database, as several processes would have them. */
export const openStores = async (
  databases: Pick<TestDatabases, 'newSchema'>,
  count: number,
  maxWaiting = 3,
): Promise<[PostgresStore, PostgresStore, ...PostgresStore[]]> => {
  const url = await databases.newSchema();
  const open = (): Promise<PostgresStore> => openStore(url, { maxWaiting, tuning: quick });
  const others = Array.from({ length: count - 2 }, open);
  return [await open(), await open(), ...(await Promise.all(others))];
};

/** Offers a message that is expected to be accepted. */
export const accepted = async (
  store: Store,
  one: AcceptedMessage,
): Promise<Accepted & { type: 'accepted' }> => {
  const result = await store.accept(one);
  if (result.type !== 'accepted') throw new Error(`it was not accepted: ${result.type}`);
  return result;
};

/** A signal that is never aborted. */
export const never = new AbortController().signal;

export const answered = (one: AcceptedMessage): Exchange => ({ ...one, bot: 'Yes' });
export const failed = (one: AcceptedMessage): Exchange => ({ ...one, bot: null, error: 'upstream_failed' });

/** Measures with which a dead process is found at once, so that tests need not wait for seconds. */
export const quick = {
  beatMs: 50,
  deadMs: 600,
  pollMs: 10,
  retryMs: 20,
  writeAfterMs: 5,
} satisfies Partial<Tuning>;

/** What a refused caller is told. */
export const unavailable = { code: 'log_unavailable' };

/** Waits until the store can be used. */
export const isWell = (store: PostgresStore): Promise<unknown> => eventually(() => store.health().ok);

/** A store that reaches its database through a proxy. */
export const openBehindProxy = async (
  server: Pick<TestPostgres, 'newSchema' | 'port'>,
  tuning: Partial<Tuning> = {},
): Promise<{ store: PostgresStore; proxy: TcpProxy; url: string }> => {
  const url = await server.newSchema();
  const proxy = await startProxy(server.port);
  const there = new URL(url);
  there.port = `${proxy.port}`;
  return { store: await openStore(there.href, { tuning: { ...quick, ...tuning } }), proxy, url };
};
