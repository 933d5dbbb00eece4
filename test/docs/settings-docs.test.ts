import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { envExample, withTable } from '../../scripts/settings-docs.ts';

const read = (file: string) => readFileSync(path.resolve(import.meta.dirname, '../..', file), 'utf8');

it('docs/settings.md tells of every setting as it is (else: npm run docs)', () => {
  const page = read('docs/settings.md');
  expect(page).toBe(withTable(page));
});

it('.env.example tells of every setting as it is (else: npm run docs)', () => {
  expect(read('.env.example')).toBe(envExample());
});
