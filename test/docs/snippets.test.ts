import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../helpers/child-service.ts';

/** Lines without their indentation: a page shows a part of a file further to the left. */
const flat = (text: string): string => text.replace(/^[ \t]+/gm, '');

const files = globSync('examples/*/*.{js,php,py,html}', { cwd: ROOT }).map((file) =>
  flat(readFileSync(path.join(ROOT, file), 'utf8')),
);

const blocksOf = (page: string, languages: string): string[] =>
  [...readFileSync(path.join(ROOT, page), 'utf8').matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)]
    .filter(([, language = '']) => languages.split(' ').includes(language))
    .map(([, , code = '']) => flat(code).trim().replaceAll('chat.example.com', 'chat.example.org'));

it('docs/identity.md shows parts of the examples, which are tested, and no other code', () => {
  const blocks = blocksOf('docs/identity.md', 'js php python html');
  expect(blocks.length).toBeGreaterThan(4);
  expect(blocks.filter((block) => !files.some((file) => file.includes(block)))).toEqual([]);
});

it('docs/embed.md shows the tested page for users who are signed in', () => {
  const blocks = blocksOf('docs/embed.md', 'html').filter((block) => block.includes('userToken'));
  expect(blocks).toHaveLength(1);
  expect(blocks.filter((block) => !files.some((file) => file.includes(block)))).toEqual([]);
});
