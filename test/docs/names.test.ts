import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { SETTINGS } from '../../src/config/settings-table.ts';
import { ROOT } from '../helpers/child-service.ts';

const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');
const PAGES = globSync(['README.md', 'docs/*.md'], { cwd: ROOT });
const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(read('package.json')));

describe.each(PAGES)('%s', (page) => {
  it('names only npm scripts that there are', () => {
    const named = [...read(page).matchAll(/npm run ([a-z][\w:-]*)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });

  it('sets only settings that there are', () => {
    // Of a line like `TRUST_PROXY=1`, in text and in blocks; names of other programs are listed.
    const others = ['NODE_ENV', 'POSTGRES_PASSWORD', 'ROUNDS', 'SITE_ADDRESS', 'SITE_KEY'];
    const named = [...read(page).matchAll(/(?<![\w$&?{])([A-Z][A-Z_]{3,})=/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !Object.hasOwn(SETTINGS, name) && !others.includes(name))).toEqual([]);
  });
});

it('every error code of src/errors.ts has a row in docs/troubleshooting.md and docs/api.md, and no other has', () => {
  const table = /const STATUS = \{([\s\S]*?)\}/.exec(read('src/errors.ts'))?.[1] ?? '';
  const codes = [...table.matchAll(/(\w+): \d+/g)].map(([, code = '']) => code);
  expect(codes.length).toBeGreaterThan(20);
  const section = read('docs/troubleshooting.md').split('## By log line')[0] ?? '';
  const first = [...section.matchAll(/^\| (`.*?) \|/gm)].map(([, cell = '']) => cell).join(' ');
  const told = [...first.matchAll(/`(\w+)`/g)].map(([, code = '']) => code);
  expect(told.toSorted()).toEqual(codes.toSorted());
  const api = read('docs/api.md');
  expect(codes.filter((code) => !api.includes(`\`${code}\``))).toEqual([]);
});
