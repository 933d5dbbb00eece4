import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { callsTo, runMain, whereItListens } from '../helpers/child-service.ts';
import { until } from '../helpers/events.ts';
import { temporaryFolder } from '../helpers/service.ts';

/** The modes of a folder and of all that is in it. */
const modesIn = async (folder: string): Promise<Record<string, string>> => {
  const names = ['.', ...(await readdir(folder, { recursive: true }))];
  const modes = await Promise.all(names.map((name) => stat(path.join(folder, name)).catch(() => undefined)));
  return Object.fromEntries(
    names.map((name, index) => [name, ((modes[index]?.mode ?? 0o600) & 0o777).toString(8)]),
  );
};

/** Starts the service with the most open umask that there is, and says something to it. */
const startOpen = async (folder: string) => {
  const dir = path.join(folder, 'data');
  const child = await runMain({ PORT: '0', HOST: '127.0.0.1' }, { cwd: folder, limit: 'umask 0' });
  const { post } = callsTo(await whereItListens(child));
  expect((await post({ user_id: 'ann', message: 'Hello!' })).status).toBe(200);
  await until(() => child.lines().some(({ msg }) => msg === 'the folder of documents was read'), 'documents');
  await until(async () => (await readdir(dir)).includes('conversations.json'), 'conversations.json');
  return { child, dir };
};

describe('the files of the data folder', () => {
  it('are for the service alone, whatever the umask', async () => {
    const folder = await temporaryFolder();
    await mkdir(path.join(folder, 'documents'));
    await writeFile(path.join(folder, 'documents', 'returns.md'), '# Returns\nWithin 30 days.');
    const { dir } = await startOpen(folder);
    const { '.': own, ...files } = await modesIn(dir);
    expect(own).toBe('700');
    expect(Object.keys(files)).toEqual(
      expect.arrayContaining([
        ...['thread-proxy.db', 'thread-proxy.db-wal', 'thread-proxy.db-shm', 'lock.db', 'session-secret'],
        ...['ops-token', 'conversations.json', 'documents.db', 'documents.db-wal'],
      ]),
    );
    expect(Object.entries(files).filter(([, mode]) => mode !== '600')).toEqual([]);
  });

  it('are taken from others who could read them, and a secret that they could read is warned of', async () => {
    const folder = await temporaryFolder();
    await mkdir(path.join(folder, 'documents'));
    const first = await startOpen(folder);
    // As a kill leaves them, and as an older version or a copy may have.
    first.child.kill('SIGKILL');
    await first.child.ended;
    for (const name of await readdir(first.dir)) await chmod(path.join(first.dir, name), 0o644);
    const { child, dir } = await startOpen(folder);
    const open = Object.entries(await modesIn(dir)).filter(([, mode]) => !['600', '700'].includes(mode));
    // Whoever has read a secret has it: it is for the owner to make a new one.
    expect(open.map(([name]) => name).toSorted()).toEqual(['ops-token', 'session-secret']);
    const warnings = child
      .lines()
      .filter(({ level, msg }) => level === 'warn' && /can read a secret/.test(String(msg)));
    expect(warnings.map(({ file }) => file)).toEqual([
      path.join(dir, 'session-secret'),
      path.join(dir, 'ops-token'),
    ]);
  });
});
