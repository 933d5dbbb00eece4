import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exchange, user } from '../helpers/exchanges.ts';
import { startDatabases, type TestDatabases } from '../helpers/postgres.ts';
import { temporaryFolder } from '../helpers/service.ts';
import { openStore as openPostgres } from '../stores/postgres/helper.ts';
import { openStore } from '../stores/sqlite/helper.ts';
import { older, runCommand } from './helper.ts';
import { allIn, move } from './moving.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
});
afterAll(() => databases.dispose());

/** A folder with one exchange. */
const smallFolder = async (): Promise<string> => {
  const dir = await temporaryFolder();
  await writeFile(
    path.join(dir, 'conversations.json'),
    JSON.stringify({ bob: [older('Hello!', 1_600_000_000)] }),
  );
  return dir;
};

const refused = async (from: string, to: string, ...words: string[]): Promise<void> => {
  const { code, stdout, stderr } = await move(from, to);
  expect([code, stdout]).toEqual([1, '']);
  for (const word of words) expect(stderr).toContain(word);
};

describe('a move is refused', () => {
  test('into a database that has data of its own, which stays as it is and in use', async () => {
    const url = await databases.newDatabase();
    const store = await openPostgres(url);
    const one = exchange(user('alice'));
    await store.accept(one);
    await store.finish(one);
    await store.close();
    await refused(await smallFolder(), url, 'has data of its own');
    const after = await openPostgres(url);
    expect(await after.recent(user('alice'), { limit: 5 })).toEqual([one]);
  });

  test('into a folder that has data of its own', async () => {
    const url = await databases.newDatabase();
    expect((await move(await smallFolder(), url)).code).toBe(0);
    const other = await smallFolder();
    await refused(url, other, 'has data of its own');
    expect(await readdir(other)).toEqual(['conversations.json']);
    const before = await allIn(other);
    await refused(url, other, 'has data of its own');
    expect(await allIn(other)).toEqual(before);
    await (await openStore(other)).close();
  });

  test('while a service runs on the folder, or on the database', async () => {
    const [dir, used, url] = [await smallFolder(), await smallFolder(), await databases.newDatabase()];
    const store = await openStore(used);
    await refused(used, url, used, 'in use', 'Stop the service');
    const server = await openPostgres(url);
    await refused(dir, url, 'in use by a server');
    await refused(url, path.join(dir, 'new'), 'in use by a server');
    await server.close();
    await store.close();
    expect((await move(dir, url)).code).toBe(0);
  });

  test('where there is nothing to move', async () => {
    const dir = await temporaryFolder();
    const url = await databases.newDatabase();
    await refused(dir, url, 'nothing to move');
    expect(await readdir(dir)).toEqual([]);
    await refused(path.join(dir, 'mistyped'), url, 'nothing to move');
    await refused(url, path.join(dir, 'new'), 'nothing to move');
    expect(await readdir(dir)).toEqual([]);
  });

  test('with a log that is not valid', async () => {
    const dir = await temporaryFolder();
    await writeFile(path.join(dir, 'conversations.json'), '{"bob": [{]}');
    await refused(dir, await databases.newDatabase(), path.join(dir, 'conversations.json'));
  });

  test('where it is asked for in a way that makes no sense', async () => {
    const [dir, url] = [await smallFolder(), await databases.newDatabase()];
    const run = (...args: string[]) => runCommand('move', args);
    for (const args of [
      [],
      ['--from', dir],
      ['--from', dir, '--to', dir],
      ['--from', url, '--to', url],
      ['--from', dir, '--to', 'mysql://x:geheim@y/z'],
      ['--from', dir, '--to', url, 'postgres://x:geheim@y/z'],
    ]) {
      const { code, stderr } = await run(...args);
      expect(code, args.join(' ')).toBe(2);
      expect(stderr).not.toContain('geheim');
    }
    expect((await run('--help')).stdout).toContain('npm run move -- --from');
  });

  test('by a database that lets nobody in, without a word of the password', async () => {
    const url = new URL(await databases.newDatabase());
    url.password = 'geheim';
    const { code, stderr } = await move(await smallFolder(), url.href);
    expect(code).toBe(1);
    expect(stderr).toContain(url.host);
    expect(stderr).not.toContain('geheim');
  });
});

describe('a move', () => {
  test('is taken in by stores that a service was started on, and that nobody has written to', async () => {
    const [dir, url, used] = [await smallFolder(), await databases.newDatabase(), await temporaryFolder()];
    const server = await openPostgres(url);
    server.setFact('a', 'b');
    await server.countMessage('2026-11-21');
    await server.close();
    expect((await move(dir, url)).code).toBe(0);
    const store = await openStore(used);
    store.setFact('a', 'b');
    await store.close();
    expect(await move(url, used)).toMatchObject({ code: 0, stderr: '' });
    expect(await allIn(used)).toMatchObject({ size: 1 });
  });

  test('that is only tried counts, and writes nothing', async () => {
    const root = await temporaryFolder();
    const dir = path.join(root, 'data');
    await mkdir(dir);
    await writeFile(path.join(dir, 'conversations.json'), JSON.stringify({ bob: [older('Hello!', 1)] }));
    const url = await databases.newDatabase();
    const { code, stdout } = await move(dir, url, '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toMatch(/exchanges +1 /);
    await refused(url, path.join(root, 'new'), 'nothing to move');
  });

  test('takes folder and database from the settings, so that no password is in the command', async () => {
    const [dir, url] = [await smallFolder(), await databases.newDatabase()];
    const env = { DATA_DIR: dir, DATABASE_URL: url };
    const { code } = await runCommand('move', ['--from', 'DATA_DIR', '--to', 'DATABASE_URL'], { env });
    expect(code).toBe(0);
    expect(await (await openPostgres(url)).recent(user('bob'), { limit: 5 })).toHaveLength(1);
  });
});
