import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const pages = globSync(['*.md', 'docs/*.md'], { cwd: root });

it.each(pages)('the tables of %s are whole', (page) => {
  const lines = readFileSync(path.join(root, page), 'utf8').split('\n');
  const isRow = (line = ''): boolean => line.startsWith('|');
  // The first line of a table is its head, and a rule is below it; rows after a gap would be plain text.
  const torn = lines.filter(
    (line, n) => isRow(line) && !isRow(lines[n - 1]) && !/^\|[-:| ]+\|$/.test(lines[n + 1] ?? ''),
  );
  expect(torn).toEqual([]);
});
