import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { command, newDatabase, newSchema } from './new-database.ts';
import { type Binaries, postgresBinaries } from './postgres-binaries.ts';
import { family, signalAll } from './process-family.ts';

/** How a server ends: as it would by itself, at once, or as by a power cut. */
export type StopMode = 'fast' | 'immediate' | 'kill';

/** A Postgres server of the test's own. */
export interface TestPostgres {
  /** Of the database `postgres`, with its password. */
  readonly url: string;
  readonly port: number;
  /** Makes an empty database. @returns Its URL. */
  newDatabase(): Promise<string>;
  /** Makes an empty schema, which is much quicker. @returns The URL of its database, in which it is the place of all tables. */
  newSchema(): Promise<string>;
  /** Ends it; the data stay. */
  stop(mode?: StopMode): Promise<void>;
  /** Starts it again on the same data and port; does nothing where it runs. */
  start(): Promise<void>;
  /** Stops all its processes where they are, as a host that hangs does, until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Ends it for good and removes the data. */
  dispose(): Promise<void>;
}

export interface PostgresOptions {
  /** Whether what is committed is really on the disk, for tests that cut the server off. */
  readonly durable?: boolean;
  /** More settings of the server. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Speaks TLS with this certificate; both in PEM. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/**
 * Starts the server and ends it, data and all, when our end of its input closes without a word: so that nothing is
 * left when the test's process is killed.
 */
const KEEPER = `
exec 3<&0
"$@" </dev/null & server=$!
echo "$server"
( if ! read -r word <&3; then
    kill -QUIT "$server"; while kill -0 "$server" 2>/dev/null; do sleep 0.1; done; rm -rf "$KEPT"
  fi ) >/dev/null 2>&1 &
wait "$server"`;

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
};

const run = async ({ runAs }: Binaries, file: string, args: string[]): Promise<void> => {
  const child = spawn(file, args, { ...runAs, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${path.basename(file)} failed: ${errors}`);
};

const STOP_SIGNALS = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

/** Starts a Postgres server in a folder of its own, from the binaries that npm has brought. */
export const startPostgres = async (options: PostgresOptions = {}): Promise<TestPostgres> => {
  const binaries = await postgresBinaries();
  const folder = await mkdtemp(path.join(tmpdir(), 'thread-proxy-postgres-data-'));
  const own = async (file: string): Promise<void> => {
    if (binaries.runAs) await chown(file, binaries.runAs.uid, binaries.runAs.gid);
  };
  const write = async (name: string, text: string): Promise<string> => {
    const file = path.join(folder, name);
    await writeFile(file, text);
    await chmod(file, 0o600);
    await own(file);
    return file;
  };
  await own(folder);
  const password = randomBytes(12).toString('hex');
  const data = path.join(folder, 'data');
  await run(binaries, binaries.initdb, [
    ...[`--pgdata=${data}`, '--username=postgres', `--pwfile=${await write('password', password)}`],
    ...['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions'],
  ]);
  const port = await freePort();
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '64MB',
    fsync: options.durable ? 'on' : 'off',
    full_page_writes: options.durable ? 'on' : 'off',
    ...options.settings,
  };
  if (options.tls) {
    settings.ssl = 'on';
    settings.ssl_cert_file = await write('server.crt', options.tls.cert);
    settings.ssl_key_file = await write('server.key', options.tls.key);
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);

  let keeper: ChildProcess | undefined;
  let pid = 0;
  const startOnce = async (): Promise<void> => {
    const child = spawn(
      'sh',
      ['-c', KEEPER, 'sh', binaries.postgres, '-D', data, '-p', `${port}`, ...flags],
      {
        ...binaries.runAs,
        cwd: '/',
        env: { ...process.env, KEPT: folder },
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    keeper = child;
    let said = '';
    await new Promise<void>((resolve, reject) => {
      createInterface(child.stdout).once('line', (line) => {
        pid = Number(line);
      });
      createInterface(child.stderr).on('line', (line) => {
        said = `${said.slice(-10_000)}${line}\n`;
        if (line.includes('ready to accept connections')) resolve();
      });
      // On close all that it said was heard.
      child.once('close', () => {
        if (keeper === child) keeper = undefined;
        reject(new Error(`Postgres did not start:\n${said}`));
      });
    });
  };
  const start = async (): Promise<void> => {
    if (keeper) return;
    const giveUpAt = performance.now() + 10_000;
    for (;;) {
      try {
        return await startOnce();
      } catch (thrown) {
        // Processes that were killed a moment ago still hold their memory.
        const isLeft = /pre-existing shared memory|lock file/.test(String(thrown));
        if (!isLeft || performance.now() > giveUpAt) throw thrown;
        await sleep(50);
      }
    }
  };
  const stop = async (mode: StopMode = 'fast'): Promise<void> => {
    const child = keeper;
    if (!child) return;
    keeper = undefined;
    const ended = once(child, 'exit');
    child.stdin?.end('stopped\n');
    if (mode === 'kill') {
      // Stopped first, so that it has no more children than those that are found.
      signalAll([pid], 'SIGSTOP');
      signalAll(family(pid), 'SIGKILL');
    } else {
      signalAll([pid], STOP_SIGNALS[mode]);
      signalAll(family(pid), 'SIGCONT');
    }
    await ended;
  };
  await start();

  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  return {
    url,
    port,
    newDatabase: () => newDatabase(url),
    newSchema: () => newSchema(url),
    stop,
    start,
    freeze: () => {
      signalAll([pid], 'SIGSTOP');
      signalAll(family(pid), 'SIGSTOP');
    },
    thaw: () => signalAll(family(pid), 'SIGCONT'),
    dispose: async () => {
      await stop('immediate');
      await rm(folder, { recursive: true, force: true });
    },
  };
};

/** Where tests get databases of their own. */
export type TestDatabases = Pick<TestPostgres, 'newDatabase' | 'newSchema' | 'dispose'>;

/** A server that others use, too: the one that TEST_DATABASE_URL names, or the one of this run (shared-postgres.ts). */
const sharedServer = async (): Promise<string | undefined> => {
  const { TEST_DATABASE_URL: named, SHARED_POSTGRES: shared } = process.env;
  if (named || !shared) return named;
  const response = await fetch(shared);
  const said = await response.text();
  if (!response.ok) throw new Error(said);
  return said;
};

/** Databases of this file's own, at a shared server where there is one. */
export const startDatabases = async (): Promise<TestDatabases> => {
  const url = await sharedServer();
  if (!url) return startPostgres();
  const made = [await newDatabase(url)];
  return {
    newDatabase: async () => {
      const database = await newDatabase(url);
      made.push(database);
      return database;
    },
    newSchema: () => newSchema(made[0] ?? url),
    dispose: async () => {
      for (const one of made) {
        await command(url, `drop database if exists ${new URL(one).pathname.slice(1)} with (force)`);
      }
    },
  };
};
