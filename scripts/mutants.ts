import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { MUTANTS } from '../test/mutants/mutants.ts';

/**
 * `npm run test:mutants [-- <parts of files' names>]`: puts plausible bugs into a copy of the code one by one, runs the
 * tests that are to notice, and tells which did not. Fails where fewer than 80 % were noticed. Tests that fail without
 * a bug notice nothing: what they were to notice counts as unnoticed.
 */

const ROOT = path.resolve(import.meta.dirname, '..');
const TARGET = 0.8;
const SECONDS_EACH = 400;
const COPIED = [
  'src',
  'test',
  'emulator',
  'docs',
  'scripts',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
];

const only = process.argv.slice(2);
const chosen = MUTANTS.filter(({ file }) => only.length === 0 || only.some((part) => file.includes(part)));
const copy = mkdtempSync(path.join(tmpdir(), 'thread-proxy-mutants-'));
for (const name of COPIED) cpSync(path.join(ROOT, name), path.join(copy, name), { recursive: true });
symlinkSync(path.join(ROOT, 'node_modules'), path.join(copy, 'node_modules'));

const report = path.join(copy, 'report.json');
const results = z.object({
  testResults: z.array(
    z.object({ assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })) }),
  ),
});

/** Runs a test, or those of it with this name. @returns What failed: the name of a test, or '' where that is not known. */
const failureOf = (test: string, name?: string): string | undefined => {
  rmSync(report, { force: true });
  const options = ['--bail', '1', '--reporter', 'json', '--outputFile', report];
  const named = name ? ['-t', name.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')] : [];
  const { status } = spawnSync(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', ...options, test, ...named],
    { cwd: copy, timeout: SECONDS_EACH * 1_000, killSignal: 'SIGKILL', stdio: 'ignore' },
  );
  if (status === 0) return undefined;
  if (!existsSync(report)) return '';
  const { testResults } = results.parse(JSON.parse(readFileSync(report, 'utf8')));
  const all = testResults.flatMap(({ assertionResults }) => assertionResults);
  return all.find((one) => one.status === 'failed')?.fullName ?? '';
};

/** Which tests pass as they are, as far as was tried. */
const sound = new Map<string, boolean>();
const isSound = (test: string, name: string): boolean => {
  const key = `${test} ${name}`;
  const known = sound.get(key) ?? failureOf(test, name) === undefined;
  sound.set(key, known);
  return known;
};

const survivors: string[] = [];
try {
  for (const { file, from, to, tests } of chosen) {
    const target = path.join(copy, file);
    const source = readFileSync(target, 'utf8');
    if (source.split(from).length !== 2) throw new Error(`not once in ${file}: ${from}`);
    const fails = (test: string): boolean => {
      writeFileSync(
        target,
        source.replace(from, () => to),
      );
      const failure = failureOf(test);
      writeFileSync(target, source);
      return failure !== undefined && isSound(test, failure);
    };
    const isKilled = tests.some(fails);
    const name = `${file}: ${from.trim().replaceAll(/\s+/g, ' ')}`;
    if (!isKilled) survivors.push(name);
    console.log(`${isKilled ? 'killed  ' : 'SURVIVED'} ${name}`);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
const killed = chosen.length - survivors.length;
console.log(`\n${killed} of ${chosen.length} killed (${Math.round((100 * killed) / chosen.length)} %)`);
for (const name of survivors) console.log(`survived: ${name}`);
for (const [test, passed] of sound) if (!passed) console.log(`fails without a mutant: ${test}`);
if (killed < TARGET * chosen.length) process.exitCode = 1;
