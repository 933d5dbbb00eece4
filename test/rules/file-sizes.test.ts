import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const MAX_LINES = 250;

/** Files that hold one table and nothing else: splitting them would not make them easier to read. */
const TABLES = [
  'src/config/settings-table.ts',
  'test/config/setting-examples.ts',
  'test/mutants/mutants.ts',
  'test/ops/redact-examples.ts',
];

const files = globSync(['src/**/*.{ts,tsx}', 'emulator/**/*.ts', 'test/**/*.{ts,tsx}', 'bench/**/*.ts'], {
  cwd: ROOT,
  exclude: (name) => name === 'node_modules',
});
const lengthOf = (file: string): number =>
  readFileSync(path.join(ROOT, file), 'utf8').trimEnd().split('\n').length;
const long = files.filter((file) => lengthOf(file) > MAX_LINES).toSorted();

describe('files of code', () => {
  it('have at most 250 lines, unless they hold one table', () => {
    expect(files.length).toBeGreaterThan(500);
    expect(long.filter((file) => !TABLES.includes(file))).toEqual([]);
  });

  it('that may be longer, as they hold one table, are longer', () => {
    expect(long.filter((file) => TABLES.includes(file))).toEqual(TABLES.toSorted());
  });
});
