import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import path from 'node:path';
import { z } from 'zod';
import { shipAssets } from '../src/http/widget/assets.ts';

/**
 * `npm run build:package`: makes the package that is published, in dist/package. Node.js strips no types below node_modules, so
 * the package holds JavaScript: the same files, line by line, without types. The widget is bundled.
 */

const ROOT = path.resolve(import.meta.dirname, '..');
const DEFAULT_OUT = path.join(ROOT, 'dist/package');

/** What goes along as it is. */
export const COPIED = [
  'bin',
  'docs',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  'assistant.example.json',
  '.env.example',
];
/** What only the bundling of the widget needs. */
const BUNDLED_AWAY = ['rolldown', 'streaming-markdown'];

/** Fields of package.json that are about the repository. */
const NOT_PUBLISHED = ['private', 'devDependencies', 'scripts'];

const manifest = z.record(z.string(), z.unknown());

/** A module without its types. Columns and lines stay, so that a stack trace leads to the source. */
const toJavaScript = (source: string): string =>
  stripTypeScriptTypes(source)
    // Imports, and the modules that workers and processes start with.
    .replaceAll(/(['"])(\.{1,2}\/[^'"\n]+)\.ts\1/g, '$1$2.js$1')
    .replaceAll(/[ \t]+$/gm, '');

const packageJson = (): string => {
  const all = manifest.parse(JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')));
  const made: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(all)) {
    if (!NOT_PUBLISHED.includes(name)) made[name] = value;
    // Beside what the package is called and for whom.
    if (name === 'type') made.bin = { 'thread-proxy': 'bin/thread-proxy' };
  }
  const dependencies = z.record(z.string(), z.string()).parse(all.dependencies);
  made.dependencies = Object.fromEntries(
    Object.entries(dependencies).filter(([name]) => !BUNDLED_AWAY.includes(name)),
  );
  return `${JSON.stringify(made, null, 2)}\n`;
};

/** Exact versions of all packages for whoever installs it: the lock file without what is not needed there. */
const writeShrinkwrap = (out: string): void => {
  cpSync(path.join(ROOT, 'package-lock.json'), path.join(out, 'package-lock.json'));
  cpSync(path.join(ROOT, '.npmrc'), path.join(out, '.npmrc'));
  const args = [
    'install',
    '--package-lock-only',
    '--ignore-scripts',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
  ];
  execFileSync('npm', args, { cwd: out, stdio: ['ignore', 'ignore', 'inherit'] });
  renameSync(path.join(out, 'package-lock.json'), path.join(out, 'npm-shrinkwrap.json'));
};

/** Makes the package in a folder, which is emptied first. */
export const buildPackage = async (out: string = DEFAULT_OUT): Promise<void> => {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const sources = globSync('src/**/*.*', { cwd: ROOT }).filter((file) => !file.startsWith('src/widget/'));
  for (const file of sources) {
    const target = path.join(out, file.replace(/\.ts$/, '.js'));
    mkdirSync(path.dirname(target), { recursive: true });
    if (file.endsWith('.ts'))
      writeFileSync(target, toJavaScript(readFileSync(path.join(ROOT, file), 'utf8')));
    else cpSync(path.join(ROOT, file), target);
  }
  for (const name of COPIED) cpSync(path.join(ROOT, name), path.join(out, name), { recursive: true });
  writeFileSync(path.join(out, 'package.json'), packageJson());
  await shipAssets(path.join(out, 'dist/widget/shipped'));
  writeShrinkwrap(out);
};

if (import.meta.main) {
  const out = path.resolve(process.argv[2] ?? DEFAULT_OUT);
  await buildPackage(out);
  console.log(`The package is in ${out}: npm publish ${path.relative(process.cwd(), out)}`);
}
