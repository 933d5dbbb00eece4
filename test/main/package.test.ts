import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { COPIED } from '../../scripts/build-package.ts';
import { callsTo, ROOT, runProgram, whereItListens } from '../helpers/child-service.ts';
import { temporaryFolder } from '../helpers/service.ts';

const run = promisify(execFile);
const packed = z.array(z.object({ filename: z.string(), files: z.array(z.object({ path: z.string() })) }));

/** What `npm publish` would publish, as the file that others install. */
const pack = async (folder: string): Promise<{ file: string; contents: string[] }> => {
  const out = path.join(folder, 'package');
  await run(process.execPath, [path.join(ROOT, 'scripts/build-package.ts'), out]);
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder, out]);
  const [made] = packed.parse(JSON.parse(stdout));
  if (!made) throw new Error('npm packed nothing');
  return { file: path.join(folder, made.filename), contents: made.files.map((entry) => entry.path) };
};

/** It is built, packed and installed: on a busy machine that takes a while. */
const TIMEOUT_MS = 180_000;

it(
  'the package that is published runs where it is installed: service, widget, pages and commands',
  async () => {
    const { file, contents } = await pack(await temporaryFolder());
    expect(contents.filter((name) => /(?<!\.d)\.tsx?$|^(emulator|test|bench|scripts)\//.test(name))).toEqual(
      [],
    );
    expect(contents).toContain('bin/thread-proxy');

    const site = path.join(await temporaryFolder(), 'site');
    await mkdir(site);
    await writeFile(path.join(site, 'package.json'), '{"private": true}');
    // Without the packages of Node.js itself: the one that runs this test is on the PATH.
    const flags = ['--omit=optional', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];
    await run('npm', ['install', ...flags, file], { cwd: site });
    // As a person runs it: nobody names the site's folder.
    const bin = ['env', '-u', 'THREAD_PROXY_DIR', path.join(site, 'node_modules/.bin/thread-proxy')] as const;
    const env = { PATH: `${path.dirname(process.execPath)}:/usr/bin:/bin`, HOST: '127.0.0.1', PORT: '0' };

    await writeFile(path.join(site, '.env'), 'MAX_MESSAGE_CHARS=7\n');
    const older = { ann: [{ user: 'Before', bot: 'Answer', timestamp: 1_700_000_000 }] };
    await writeFile(path.join(site, 'older.json'), JSON.stringify(older));
    const imported = await runProgram([...bin, 'import', 'older.json'], { env, cwd: site });
    expect(await imported.ended, imported.stderr()).toEqual([0, null]);

    const service = await runProgram([...bin], { env, cwd: site });
    const url = await whereItListens(service);
    const { post } = callsTo(url);
    expect((await post({ user_id: 'ann', message: 'Hello!' })).status).toBe(200);
    // The .env of the folder in which it was started.
    expect((await post({ user_id: 'ann', message: 'Far too long' })).status).toBe(400);
    for (const page of ['/', '/widget.js', '/openapi.json']) {
      expect([page, (await fetch(url + page)).status]).toEqual([page, 200]);
    }
    service.kill('SIGTERM');
    expect(await service.ended).toEqual([0, null]);
    expect(service.stderr()).toBe('');
    expect(await readdir(site)).toContain('data');
    const log = await readFile(path.join(site, 'data/conversations.json'), 'utf8');
    expect(
      Object.values(z.record(z.string(), z.array(z.unknown())).parse(JSON.parse(log))).flat(),
    ).toHaveLength(2);

    const unknown = await runProgram([...bin, 'nonsense'], { env, cwd: site });
    expect(await unknown.ended).toEqual([2, null]);
    expect(unknown.stderr()).toMatch(/^There is no command nonsense\.\nUsage: /);
  },
  TIMEOUT_MS,
);

it('the image is built from all that the package is made of', async () => {
  const ignored = await readFile(path.join(ROOT, '.dockerignore'), 'utf8');
  const needed = [...COPIED, 'src', 'package.json', 'package-lock.json', 'tsconfig.json', '.npmrc'];
  for (const name of [...needed, 'scripts/build-package.ts']) {
    const [folder = ''] = name.split('/');
    expect(ignored.split('\n')).toContain(`!${folder === 'scripts' ? name : folder}`);
  }
});
