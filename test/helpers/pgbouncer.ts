import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { serverAccount } from './postgres-binaries.ts';

const PROGRAMS = ['pgbouncer', '/usr/sbin/pgbouncer'];

/** The PgBouncer of this machine; undefined: there is none. */
export const pgbouncer = PROGRAMS.find((file) => spawnSync(file, ['--version']).status === 0);

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
};

/**
 * Starts a PgBouncer in transaction mode in front of a database; it ends with the test.
 * @param settings More of its settings.
 * @returns The URL of the same database through it.
 */
export const startPgbouncer = async (url: string, settings: Record<string, string> = {}): Promise<string> => {
  if (pgbouncer === undefined) throw new Error('there is no pgbouncer');
  const folder = await mkdtemp(path.join(tmpdir(), 'thread-proxy-pgbouncer-'));
  const server = new URL(url);
  const port = await freePort();
  const users = path.join(folder, 'users');
  const file = path.join(folder, 'pgbouncer.ini');
  await writeFile(users, `"${server.username}" "${decodeURIComponent(server.password)}"\n`);
  const options = {
    ...{ listen_addr: '127.0.0.1', listen_port: `${port}`, unix_socket_dir: '' },
    ...{ auth_type: 'scram-sha-256', auth_file: users, pool_mode: 'transaction', default_pool_size: '4' },
    ...settings,
  };
  const lines = Object.entries(options).map(([name, value]) => `${name} = ${value}`);
  await writeFile(
    file,
    `[databases]\n* = host=${server.hostname} port=${server.port}\n[pgbouncer]\n${lines.join('\n')}\n`,
  );
  const account = await serverAccount();
  for (const one of [folder, users, file]) {
    await chmod(one, one === folder ? 0o700 : 0o600);
    if (account) await chown(one, account.uid, account.gid);
  }
  const child = spawn(pgbouncer, [file], { ...account, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true });
  });
  await new Promise<void>((resolve, reject) => {
    let told = '';
    child.stderr.on('data', (chunk: Buffer) => {
      told += chunk.toString();
      if (/process up/.test(told)) resolve();
    });
    ended.then(() => reject(new Error(`PgBouncer did not start: ${told}`)));
  });
  server.port = `${port}`;
  return server.href;
};
