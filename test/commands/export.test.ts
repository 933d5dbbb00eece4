import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startChildService } from '../helpers/child-service.ts';
import { anonymous, exchange, user } from '../helpers/exchanges.ts';
import { startDatabases, type TestDatabases } from '../helpers/postgres.ts';
import { temporaryFolder } from '../helpers/service.ts';
import { openStore as openPostgres } from '../stores/postgres/helper.ts';
import { openStore } from '../stores/sqlite/helper.ts';
import { runCommand } from './helper.ts';
import { allIn, move, oddFolder } from './moving.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
});
afterAll(() => databases.dispose());

const exportTo = (url: string, cwd: string, ...args: string[]) =>
  runCommand('export', args, { env: { DATABASE_URL: url }, cwd });

describe('export', () => {
  test('writes the log of a database in service as the embedded store would have it', async () => {
    const url = await databases.newDatabase();
    const root = await temporaryFolder();
    const store = await openPostgres(url);
    const { visitor: _, ...one } = exchange(user('bob'), { usage: { input: 1, output: 2 }, name: 'Bob' });
    const verified = exchange({ kind: 'verified', id: 'bob' });
    const nameless = exchange(anonymous('session'), { bot: null, error: 'upstream_timeout' });
    const cleared = exchange(user('eve'));
    for (const each of [{ ...one, visitor: user('bob') }, verified, nameless, cleared]) {
      await store.accept(each);
      await store.finish(each);
    }
    await store.clear(user('eve'), true);
    const { code, stdout } = await exportTo(url, root);
    expect([code, stdout]).toEqual([0, expect.stringContaining('4 exchanges of 3 users were written')]);
    const file = path.join(root, 'conversations.json');
    const text = await readFile(file, 'utf8');
    const line = ({ user: said, bot, timestamp, id }: typeof verified) => ({
      user: said,
      bot,
      timestamp,
      id,
    });
    expect(JSON.parse(text)).toEqual({
      anonymous: [{ ...line(nameless), session: 'session', error: 'upstream_timeout' }],
      bob: [one, { ...line(verified), verified: true }],
      eve: [{ ...line(cleared), cleared: true }],
    });
    expect(text).toMatch(
      /^\{\n"anonymous": \[\n\{.*\}\n\],\n"bob": \[\n\{.*\},\n\{.*\}\n\],\n.*\n\{.*\}\n\]\n\}\n$/,
    );
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const again = await exportTo(url, root, '--out', '-');
    expect(again).toEqual({ code: 0, stdout: text, stderr: '' });
  });

  test('has all that was moved in, odd keys and fields of older logs too', async () => {
    const root = await temporaryFolder();
    const dir = await oddFolder(root);
    const url = await databases.newDatabase();
    expect((await move(dir, url)).code).toBe(0);
    expect((await exportTo(url, root)).code).toBe(0);
    const log = JSON.parse(await readFile(path.join(root, 'conversations.json'), 'utf8'));
    const before = await allIn(dir);
    expect(log['cut off']).toMatchObject([{ bot: null }]);
    delete log['cut off'];
    expect(new Map(Object.entries(log))).toEqual(before);
  });

  test('of an empty log is an empty log', async () => {
    const url = await databases.newDatabase();
    expect((await exportTo(url, await temporaryFolder(), '--out', '-')).stdout).toBe('{\n}\n');
  });

  test('leaves a file alone that is there, unless it is told to replace it', async () => {
    const url = await databases.newDatabase();
    const root = await temporaryFolder();
    await writeFile(path.join(root, 'conversations.json'), 'mine');
    expect(await exportTo(url, root)).toMatchObject({ code: 1, stderr: expect.stringContaining('--force') });
    expect(await readFile(path.join(root, 'conversations.json'), 'utf8')).toBe('mine');
    expect((await exportTo(url, root, '--force')).code).toBe(0);
    expect(await readFile(path.join(root, 'conversations.json'), 'utf8')).toBe('{\n}\n');
  });

  test('without DATABASE_URL writes the log of the data folder, its archive too, beside a service', async () => {
    const root = await temporaryFolder();
    const dir = await oddFolder(root);
    const before = await allIn(dir);
    const store = await openStore(dir);
    const file = path.join(root, 'all.json');
    const env = { DATA_DIR: dir };
    expect((await runCommand('export', ['--out', file], { env, cwd: root })).code).toBe(0);
    await store.close();
    const log = JSON.parse(await readFile(file, 'utf8'));
    expect(new Map(Object.entries(log))).toEqual(before);
    const nothing = await runCommand('export', ['--out', 'y'], { env: { DATA_DIR: 'x' }, cwd: root });
    expect([nothing.code, nothing.stderr]).toEqual([1, expect.stringContaining('There is no database in')]);
  });

  test('names a database that cannot be reached, and never its password', async () => {
    const url = 'postgres://chat:geheim@127.0.0.1:1/nothing';
    const env = { DATABASE_URL: url, DATABASE_WAIT: '1ms' };
    const { code, stderr } = await runCommand('export', [], { env });
    expect(code).toBe(1);
    expect(stderr).toContain('127.0.0.1:1/nothing');
    expect(stderr).not.toContain('geheim');
  });

  test.each([
    { command: 'erase', args: ['user', 'ann', '--yes'] },
    { command: 'export', args: ['--format', 'csv'] },
  ] as const)('$command says where to go while a service has the folder', async ({ command, args }) => {
    const dir = await temporaryFolder();
    await startChildService({ DATA_DIR: dir });
    const { code, stderr } = await runCommand(command, args, { env: { DATA_DIR: dir }, cwd: dir });
    expect([code, stderr]).toEqual([
      1,
      `The data folder ${dir} is in use by another process. Use the page /ops of the service, or stop it first.\n`,
    ]);
  });
});
