import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
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

const passes = (test: string): boolean =>
  spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', '--bail', '1', test], {
    cwd: copy,
    timeout: SECONDS_EACH * 1_000,
    killSignal: 'SIGKILL',
    stdio: 'ignore',
  }).status === 0;

/** Which tests pass as they are, as far as was tried. */
const sound = new Map<string, boolean>();
const isSound = (test: string): boolean => {
  const known = sound.get(test) ?? passes(test);
  sound.set(test, known);
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
      const isNoticed = !passes(test);
      writeFileSync(target, source);
      return isNoticed && isSound(test);
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
