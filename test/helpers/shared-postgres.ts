import { once } from 'node:events';
import { createServer } from 'node:http';
import { startPostgres, type TestPostgres } from './postgres.ts';

/**
 * One Postgres server for all test files of a run: `startDatabases()` asks for its URL, and the first who asks has it
 * started. Files that stop or freeze their server, or need its settings, start one of their own.
 */
export const setup = async (): Promise<() => Promise<void>> => {
  let starting: Promise<TestPostgres> | undefined;
  const door = createServer((_, response) => {
    starting ??= startPostgres({ settings: { max_connections: '400' } });
    starting.then(
      ({ url }) => response.end(url),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  }).listen(0, '127.0.0.1');
  await once(door, 'listening');
  const address = door.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  process.env.SHARED_POSTGRES = `http://127.0.0.1:${address.port}`;
  return async () => {
    door.close();
    await (await starting?.catch(() => undefined))?.dispose();
  };
};
