import { execFile } from 'node:child_process';
import { cp, mkdir, readlink } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { callsTo, ROOT, runProgram, whereItListens } from '../helpers/child-service.ts';
import { until } from '../helpers/events.ts';
import { temporaryFolder } from '../helpers/service.ts';

/**
 * The commands of the README with every package manager that people have, on the Node.js of the host: PATH without
 * our own packages. Needs the npm registry. MANAGERS=npm@8,yarn@1.22.22 runs some of them.
 */

const run = promisify(execFile);

const HOST_PATH = (process.env.PATH ?? '')
  .split(path.delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .join(path.delimiter);

interface Manager {
  readonly name: string;
  /** The command below the folder in which it was installed. */
  readonly bin: string;
  readonly install: readonly string[];
  /** What comes before a script's own arguments. */
  readonly separator: readonly string[];
  /** A Node.js that stands in for the host's, as npm has it. */
  readonly host?: string;
}

const npm = (version: string): Manager => ({
  name: `npm@${version}`,
  bin: 'npm',
  install: ['ci'],
  separator: ['--'],
});

const MANAGERS: readonly Manager[] = [
  ...['8', '9', '10.8.2', '11.0.0', 'latest'].map(npm),
  { ...npm('8'), install: ['ci', '--ignore-scripts'], name: 'npm@8' },
  // The newest npm on the hosts that people have beside Node 20.
  ...['node@22', 'node@24'].map((host) => ({ ...npm('latest'), host })),
  { name: 'pnpm@10', bin: 'pnpm', install: ['install'], separator: [] },
  { name: 'yarn@1.22.22', bin: 'yarn', install: ['install', '--no-lockfile'], separator: [] },
  { name: 'bun@latest', bin: 'bun', install: ['install'], separator: [] },
];

const wanted = process.env.MANAGERS?.split(',');
const chosen = MANAGERS.filter(({ name }) => !wanted || wanted.includes(name));

/** Everything that is in the repository, without what was installed or written. */
const copyOfProject = async (): Promise<string> => {
  const project = path.join(await temporaryFolder(), 'thread-proxy');
  const { stdout } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
  });
  for (const file of stdout.split('\0').filter(Boolean)) {
    await cp(path.join(ROOT, file), path.join(project, file));
  }
  // Biome takes the list of files to look at from Git.
  await run('git', ['init', '-q'], { cwd: project });
  return project;
};

/** The manager itself, and the host's Node.js where it is another one, installed by the host's npm; their folder of commands. */
const binOf = async ({ name, host }: Manager): Promise<string> => {
  const folder = await temporaryFolder();
  await mkdir(folder, { recursive: true });
  await run('npm', ['install', '--no-save', '--prefix', folder, name, ...(host ? [host] : [])], {
    env: { ...process.env, PATH: HOST_PATH },
  });
  return path.join(folder, 'node_modules', '.bin');
};

describe.each(chosen)('$name, $install, $host', (manager) => {
  it('installs, starts the service on the pinned Node.js, stops it cleanly, and runs a command and tests', async () => {
    const [bin, project] = await Promise.all([binOf(manager), copyOfProject()]);
    const env = { PATH: `${bin}${path.delimiter}${HOST_PATH}`, NO_COLOR: '1', CI: '1' };
    const ended = async (...args: readonly string[]) => {
      const child = await runProgram([manager.bin, ...args], { env, cwd: project });
      const end = await child.ended;
      const output = child.stdout() + child.stderr();
      expect(end, output).toEqual([0, null]);
      return output;
    };
    await ended(...manager.install);

    const settings = { ...env, PORT: '0', HOST: '127.0.0.1' };
    const service = await runProgram([manager.bin, 'run', 'start'], {
      env: settings,
      cwd: project,
      ownGroup: true,
    });
    const { post } = callsTo(await whereItListens(service));
    expect((await post({ message: 'Hello!' })).status).toBe(200);
    const pid = service.lines().find(({ msg }) => msg === 'listening')?.pid;
    if (process.platform === 'linux') {
      expect(await readlink(`/proc/${pid}/exe`)).toMatch(/node-linux-[^/]+\/bin\/node$/);
    }
    // As Ctrl-C in a terminal does.
    process.kill(-service.pid, 'SIGINT');
    await service.ended;
    await until(() => service.lines().at(-1)?.msg === 'stopped', 'a clean end');

    expect(await ended('run', 'import', ...manager.separator, '--help')).toContain('Usage: npm run import');
    const tested = await ended('run', 'test', ...manager.separator, 'test/config', 'test/logging');
    expect(tested).toMatch(/Tests +\d+ passed/);
  });
});
