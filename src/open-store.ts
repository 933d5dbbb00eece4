import path from 'node:path';
import type { Clock, Logger } from './chat/ports.ts';
import type { Store } from './chat/store-port.ts';
import type { SettingValues } from './config/settings-table.ts';
import { secretFromFile } from './identity/secret-file.ts';
import type { ShareCounts } from './limits/daily-budget.ts';
import type { CountCall } from './limits/shared-counts.ts';
import type { OpsStore } from './ops/ops-port.ts';
import { openSqliteOps } from './ops/sqlite/sqlite-ops-store.ts';
import { openSqliteStore } from './stores/sqlite/sqlite-store.ts';

const BYTES_PER_MB = 1024 * 1024;

/** Where everything is kept, by the settings, and what goes with the place. */
export interface OpenedStore {
  readonly store: Store;
  /** What operators read, count and erase in it. */
  readonly opsStore: OpsStore;
  /** Whether nothing is recorded in it yet, as far as is known without a look. */
  readonly isNew: boolean;
  /** Counts calls among all processes; undefined where there is but this one, which has all for itself. */
  readonly countCall: CountCall | undefined;
  /** Counts the shares of a day; undefined where the store counts them as it accepts. */
  readonly shares: ShareCounts | undefined;
  /** What signs session tokens; the first signs, all verify. */
  readonly sessionSecrets: readonly string[];
  /** undefined: the ops routes are off. */
  readonly opsToken: string | undefined;
  /** The file that the ops token was made in; undefined where it was given. */
  readonly opsTokenFile?: string | undefined;
  /** Where it is, for the log. */
  readonly place: string;
}

interface OpenStoreDeps {
  readonly settings: SettingValues;
  readonly isProduction: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Opens the store that the settings name: the embedded one in `DATA_DIR`, or the Postgres database.
 * @throws Error where it cannot be had.
 */
export const openStore = (deps: OpenStoreDeps): Promise<OpenedStore> => {
  const { DATABASE_URL: url } = deps.settings;
  return url === undefined ? openEmbedded(deps) : openShared(url, deps);
};

const openEmbedded = async ({
  settings,
  isProduction,
  clock,
  logger,
}: OpenStoreDeps): Promise<OpenedStore> => {
  const dir = path.resolve(settings.DATA_DIR);
  const store = await openSqliteStore({ dir, maxBytes: settings.LOG_MAX_MB * BYTES_PER_MB, clock, logger });
  try {
    const opsStore = await openSqliteOps(store);
    return {
      store: {
        ...store,
        close: async () => {
          opsStore.stop();
          await store.close();
        },
      },
      opsStore,
      isNew: store.isNew,
      countCall: undefined,
      shares: store.shares,
      sessionSecrets: settings.SESSION_SECRET ?? [
        await secretFromFile(path.join(dir, 'session-secret'), logger),
      ],
      ...(await opsTokenOf(settings, { dir, isProduction, logger })),
      place: dir,
    };
  } catch (thrown) {
    await store.close();
    throw thrown;
  }
};

/** The ops token that is given or was made here; in production it must be given, and ops is off without it. */
const opsTokenOf = async (
  settings: SettingValues,
  { dir, isProduction, logger }: { dir: string; isProduction: boolean; logger: Logger },
): Promise<Pick<OpenedStore, 'opsToken' | 'opsTokenFile'>> => {
  if (settings.OPS_TOKEN !== undefined || isProduction) return { opsToken: settings.OPS_TOKEN };
  const file = path.join(dir, 'ops-token');
  return { opsToken: await secretFromFile(file, logger), opsTokenFile: file };
};

const openShared = async (url: string, { settings, clock, logger }: OpenStoreDeps): Promise<OpenedStore> => {
  // Loaded only where it is used: a site on files need not wait for it.
  const { openPostgresStore } = await import('./stores/postgres/postgres-store.ts');
  const store = await openPostgresStore({
    url,
    schema: settings.DATABASE_SCHEMA,
    wait: settings.DATABASE_WAIT,
    maxWaiting: settings.MAX_WAITING,
    clock,
    logger,
  });
  // A file would be this machine's alone.
  if (settings.OPS_TOKEN === undefined) logger.info({}, 'the ops routes are off: set OPS_TOKEN');
  const { host, pathname } = new URL(url);
  return {
    store,
    opsStore: store.ops,
    isNew: false,
    shares: undefined,
    countCall: (key, windowMs) => store.countCall(key, windowMs),
    // The settings were checked: there is one.
    sessionSecrets: settings.SESSION_SECRET ?? [],
    opsToken: settings.OPS_TOKEN,
    place: `postgres://${host}${pathname}`,
  };
};
