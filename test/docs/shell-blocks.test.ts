import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'dotenv';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/read-config.ts';
import { ROOT, startChildService } from '../helpers/child-service.ts';
import { temporaryFolder } from '../helpers/service.ts';

const OPS_TOKEN = 'ops-token-of-the-shell-block-test-0123';

/** Blocks that are not run here, by their first line, with the reason. */
const NOT_RUN: Readonly<Record<string, string>> = {
  'npm ci && npm start': 'installs from the registry; test/main/start.test.ts starts the service',
  'npm ci && npm test': 'would run this suite within itself',
  'cp .env.example .env     # SESSION_SECRET, POSTGRES_PASSWORD, SITE_ADDRESS=chat.example.org, OPENAI_API_KEY, …':
    'needs Docker',
  'npm run move -- --from ./data --to DATABASE_URL --dry-run':
    'needs Postgres; test/commands/move.test.ts moves there and back',
  'mkdir documents': 'ends with npm start; the next block of its page asks the documents it puts there',
};

interface Block {
  readonly page: string;
  readonly first: string;
  readonly text: string;
}

const blocks: readonly Block[] = globSync(['README.md', 'docs/*.md'], { cwd: ROOT }).flatMap((page) =>
  [
    ...readFileSync(path.join(ROOT, page), 'utf8').matchAll(/^ *```(?:sh|bash|shell)\n([\s\S]*?)^ *```/gm),
  ].map(([, text = '']) => {
    const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
    return { page, text, first: lines[0] ?? '' };
  }),
);

const isSettings = ({ first }: Block): boolean => /^[A-Z_]+=/.test(first);
const needsDocker = ({ first }: Block): boolean => first.startsWith('docker ');
const isRun = (block: Block): boolean =>
  !isSettings(block) && !needsDocker(block) && !Object.hasOwn(NOT_RUN, block.first);

/** Runs a script in a shell that stops at the first failure. */
const inShell = (script: string, cwd: string, env: Record<string, string> = {}) =>
  new Promise<{ code: number; output: string }>((resolve) => {
    const { PATH = '', HOME = '' } = process.env;
    const child = execFile(
      'sh',
      ['-euc', script],
      { cwd, env: { PATH, HOME, ...env } },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
    );
  });

/** A block's lines, with continued ones put together, for a service at `url` and files below `root`. */
const linesOf = (text: string, url: string, root: string): readonly string[] =>
  text
    .replaceAll('\\\n', ' ')
    .replaceAll('https://chat.example.org', url)
    .replaceAll('http://localhost:5000', url)
    .replaceAll('/backup/', `${root}/backup/`)
    .replace(/npm run (?:-s )?([\w:-]+)(?: --(?= ))?/g, `sh '${ROOT}/bin/thread-proxy' $1`)
    .split('\n')
    .filter((line) => line.trim() !== '');

describe('the shell blocks of the documentation', () => {
  it('are found, and what is not run is there', () => {
    expect(blocks.length).toBeGreaterThan(12);
    expect(blocks.filter(isRun).length).toBeGreaterThan(4);
    const firsts = new Set(blocks.map(({ first }) => first));
    expect(Object.keys(NOT_RUN).filter((first) => !firsts.has(first))).toEqual([]);
  });

  it.each(blocks.filter(isRun))('$page: $first', async ({ text }) => {
    const root = await temporaryFolder();
    const data = path.join(root, 'data');
    await mkdir(path.join(root, 'backup'));
    await mkdir(path.join(root, 'documents'));
    await writeFile(
      path.join(root, 'documents/shipping.md'),
      '# Parcels\n\nA parcel to Austria costs 9 euros.\n',
    );
    const env = { DATA_DIR: data, DOCUMENTS_DIR: path.join(root, 'documents'), OPS_TOKEN };
    const service = await startChildService(env, { cwd: root });
    await service.post({ user_id: 'ada', message: 'Hello' });
    const lines = linesOf(text, service.url, root);
    const atService = lines.filter((line) => line.startsWith('curl '));
    for (const line of atService) {
      const { code, output } = await inShell(line.replace('curl ', 'curl --fail-with-body '), root, env);
      expect(code, `${line}\n${output}`).toBe(0);
    }
    service.kill('SIGTERM');
    await service.ended;
    const { code, output } = await inShell(
      lines.filter((line) => !atService.includes(line)).join('\n'),
      root,
      env,
    );
    expect(code, output).toBe(0);
  });

  it.each(blocks.filter(isSettings))('$page: $first is accepted by the service', ({ text }) => {
    const settings = parse(text.replaceAll('…', 'x'.repeat(40)));
    expect(Object.keys(settings).length).toBeGreaterThan(0);
    expect(() =>
      readConfig({ SESSION_SECRET: 'x'.repeat(40), OPENAI_API_KEY: 'sk-test', ...settings }),
    ).not.toThrow();
  });
});
