import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  startDatabases,
  startPostgres,
  type TestDatabases,
  type TestPostgres,
} from '../../helpers/postgres.ts';
import { openStore, quick } from './helper.ts';

const fixture = (name: string): string => path.join(import.meta.dirname, 'fixtures', name);
const CA = fixture('ca.pem');

let withTls: TestPostgres;
let plain: TestDatabases;
beforeAll(async () => {
  const tls = {
    cert: readFileSync(fixture('server.crt'), 'utf8'),
    key: readFileSync(fixture('server.key'), 'utf8'),
  };
  [withTls, plain] = await Promise.all([startPostgres({ tls }), startDatabases()]);
});
afterAll(async () => {
  await Promise.all([withTls.dispose(), plain.dispose()]);
});

/** Opens a store. @returns Whether its connections are encrypted. */
const isEncrypted = async (
  server: TestDatabases,
  host: string,
  query: Record<string, string>,
): Promise<boolean> => {
  const admin = await server.newSchema();
  const url = new URL(admin);
  const name = url.searchParams.get('search_path') ?? '';
  url.searchParams.set('application_name', name);
  url.hostname = host;
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  await openStore(url.href, { wait: 60_000, tuning: quick });
  const sql = postgres(admin, { max: 1 });
  onTestFinished(() => sql.end());
  const rows = await sql<{ ssl: boolean }[]>`
    select ssl from pg_stat_ssl join pg_stat_activity using (pid)
    where application_name = ${name}`;
  const found = new Set(rows.map(({ ssl }) => ssl));
  expect(found.size).toBe(1);
  return found.has(true);
};

describe('a server that speaks TLS', () => {
  test.each([
    ['localhost', {}, true],
    ['localhost', { sslmode: 'disable' }, false],
    ['localhost', { sslmode: 'allow' }, true],
    ['localhost', { sslmode: 'prefer' }, true],
    ['127.0.0.1', { sslmode: 'require' }, true],
    ['127.0.0.1', { ssl: 'true' }, true],
    ['127.0.0.1', { ssl: 'require' }, true],
    ['127.0.0.1', { ssl: 'true', sslrootcert: CA }, true],
    ['127.0.0.1', { ssl: 'false' }, false],
    ['127.0.0.1', { sslmode: 'require', sslrootcert: CA }, true],
    ['127.0.0.1', { sslmode: 'verify-ca', sslrootcert: CA }, true],
    ['localhost', { sslmode: 'verify-full', sslrootcert: CA }, true],
  ])('at %s with %j: encrypted %s', async (host, query, expected) => {
    expect(await isEncrypted(withTls, host, query)).toBe(expected);
  });

  test.each([
    ['localhost', { sslmode: 'verify-full' }],
    ['localhost', { sslmode: 'verify-ca' }],
    ['localhost', { sslrootcert: 'system' }],
    ['127.0.0.1', { sslmode: 'verify-full', sslrootcert: CA }],
  ])('at %s with %j is not trusted, which is told at once', async (host, query) => {
    await expect(isEncrypted(withTls, host, query)).rejects.toThrow(/its certificate is not trusted: /);
  });
});

describe('a server that does not speak TLS', () => {
  test.each([[{}], [{ sslmode: 'prefer' }], [{ sslmode: 'disable' }]])(
    'with %j is spoken to without',
    async (query) => {
      expect(await isEncrypted(plain, '127.0.0.1', query)).toBe(false);
    },
  );

  test('is refused at once with ssl=true', async () => {
    await expect(isEncrypted(plain, '127.0.0.1', { ssl: 'true' })).rejects.toThrow(/it does not speak TLS/);
  });

  test.each([['require'], ['verify-ca'], ['verify-full']])(
    'is refused at once with sslmode=%s',
    async (sslmode) => {
      await expect(isEncrypted(plain, '127.0.0.1', { sslmode, sslrootcert: CA })).rejects.toThrow(
        /it does not speak TLS, which sslmode=[a-z-]+ asks for/,
      );
    },
  );
});

describe('a server that says it speaks TLS', () => {
  /** A server that answers the question for TLS and then does something else. */
  const startLiar = async (next: (socket: Socket) => void): Promise<string> => {
    const listener = createServer((socket) => {
      socket
        .on('error', () => undefined)
        .once('data', () => {
          socket.write('S');
          next(socket);
        });
    }).listen(0, '127.0.0.1');
    await once(listener, 'listening');
    onTestFinished(() => void listener.close());
    const address = listener.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    return `postgres://me:secret@127.0.0.1:${port}/x?sslmode=require`;
  };
  const opened = (url: string): Promise<unknown> => openStore(url, { tuning: { ...quick, connectMs: 100 } });

  test('and then says nothing, or leaves, is given up', async () => {
    const silent: Socket[] = [];
    await expect(opened(await startLiar((socket) => silent.push(socket)))).rejects.toThrow(
      /no answer within 100 ms/,
    );
    for (const socket of silent) socket.destroy();
    await expect(opened(await startLiar((socket) => socket.destroy()))).rejects.toThrow(/cannot be reached/);
  });

  test('and says more before anything is encrypted is not believed', async () => {
    const url = await startLiar((socket) => socket.write('E and more'));
    await expect(opened(url)).rejects.toThrow(/not valid|certificate/);
  });
});
