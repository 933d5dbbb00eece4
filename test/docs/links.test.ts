import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PAGES = globSync(['*.md', 'docs/*.md', 'examples/*.md', 'emulator/*.md'], { cwd: ROOT });

/** A heading's name in a link, as GitHub makes it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

describe('the documentation', () => {
  it('is found', () => {
    expect(PAGES.length).toBeGreaterThan(15);
  });

  it.each(PAGES)('%s links only to what is there', (page) => {
    const text = readFileSync(path.join(ROOT, page), 'utf8').replace(/^```[\s\S]*?^```/gm, '');
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '');
    for (const link of links.filter((one) => !/^[a-z]+:/.test(one))) {
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path.join(ROOT, page) : path.resolve(ROOT, path.dirname(page), file);
      expect(existsSync(target), `${page} links to ${link}`).toBe(true);
      if (anchor === undefined || !target.endsWith('.md')) continue;
      const headings = [...readFileSync(target, 'utf8').matchAll(/^#+ (.*)$/gm)].map((match) =>
        anchorOf(match[1] ?? ''),
      );
      expect(headings, `${page} links to ${link}`).toContain(anchor);
    }
  });

  it('keeps the README short', () => {
    const lines = readFileSync(path.join(ROOT, 'README.md'), 'utf8').split('\n').length;
    expect(lines).toBeLessThanOrEqual(151);
  });
});
