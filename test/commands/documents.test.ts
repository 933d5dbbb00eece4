import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSqliteIndex } from '../../src/documents/index/open-sqlite-index.ts';
import { page, startSite } from '../documents/helper.ts';
import { pdfOf } from '../documents/make-files.ts';
import { startEmulator, temporaryFolder } from '../helpers/service.ts';
import { runCommand } from './helper.ts';

/** A folder with data and documents beside each other. */
const place = async () => {
  const cwd = await temporaryFolder();
  const docs = path.join(cwd, 'shop');
  await mkdir(docs);
  const env = { DATA_DIR: path.join(cwd, 'data') };
  return {
    cwd,
    docs,
    put: (name: string, content: string | Uint8Array) => writeFile(path.join(docs, name), content),
    run: (args: readonly string[], more: Record<string, string> = {}) =>
      runCommand('documents', args, { cwd, env: { ...env, ...more } }),
    index: () => openSqliteIndex(path.join(cwd, 'data', 'documents.db')),
  };
};

describe('npm run documents', () => {
  it('adds a folder, says what could not be read and why, and finds what is in it', async () => {
    const { put, run } = await place();
    await put('shipping.md', '# Shipping\n\nParcels to Austria cost 4.90 euros.');
    await put('scan.pdf', pdfOf([[]]));
    await put('other.bin', 'not looked at');
    const added = await run(['add', 'shop']);
    expect(added.code).toBe(0);
    expect(added.stdout).toMatch(/added {6}.*shipping\.md: 1 passage/);
    expect(added.stdout).toMatch(/not read {3}.*scan\.pdf: a scan: its pages are pictures without text/);
    expect(added.stdout).toContain('1 not read, 1 added.');
    const asked = await run(['ask', 'How much is a parcel to Austria?']);
    expect(asked.stdout).toMatch(/1\. Shipping \(words 0\.\d\d\)/);
    expect(asked.stdout).toContain('4.90 euros');
    const unrelated = await run(['ask', 'Who won the cup final in Berlin? Austria']);
    expect(unrelated.stdout).toContain('it would not be told');
    const listed = await run(['list']);
    expect(listed.stdout).toMatch(/file\s+1 {2}Shipping/);
    expect(listed.stdout).toContain('1 document, 1 passage.');
  });

  it('takes in what has changed alone, and out what is gone', async () => {
    const { docs, put, run } = await place();
    await put('a.md', '# A\n\nText of a.');
    await put('b.md', '# B\n\nText of b.');
    await put('c.md', '# C\n\nText of c.');
    await run(['add', 'shop']);
    await put('b.md', '# B\n\nAnother text of b.');
    await rm(path.join(docs, 'c.md'));
    const { stdout } = await run(['refresh']);
    expect(stdout).toMatch(/unchanged .*a\.md/);
    expect(stdout).toMatch(/changed {4}.*b\.md: 1 passage, 0 as before/);
    expect(stdout).toMatch(/removed .*c\.md/);
  });

  it('keeps nothing on a dry run', async () => {
    const { put, run } = await place();
    await put('a.md', '# A\n\nText of a.');
    const { stdout } = await run(['add', 'shop/a.md', '--dry-run']);
    expect(stdout).toMatch(/would add .*a\.md: 1 passage/);
    expect((await run(['list'])).stdout).toContain('There are no documents.');
  });

  it('adds one file under a title, and removes it by its path', async () => {
    const { put, run } = await place();
    await put('a.txt', 'Text of a.');
    await run(['add', 'shop/a.txt', '--title', 'All about A']);
    expect((await run(['list'])).stdout).toContain('All about A');
    expect((await run(['remove', 'shop/a.txt'])).stdout).toContain('Removed 1 document.');
    expect(await run(['remove', 'shop/a.txt'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There is no document'),
    });
  });

  it('adds the pages of a site, and removes them by its address', async () => {
    const { run } = await place();
    const site = await startSite((target) =>
      target === '/' ? page('start', ['/a']) : target === '/a' ? page('a') : undefined,
    );
    const { stdout } = await run(['add', site.url, '--max-pages', '5']);
    expect(stdout).toContain('2 added.');
    expect((await run(['remove', `${site.url}/`])).stdout).toContain('Removed 2 documents.');
  });

  it('embeds what is new, where there is a model for it', async () => {
    const { put, run, index } = await place();
    const emulator = await startEmulator();
    await put('a.md', '# A\n\nText of a.');
    const env = { EMBEDDING_MODEL: 'm1', EMBEDDING_BASE_URL: emulator.url };
    expect((await run(['add', 'shop'], env)).code).toBe(0);
    const opened = await index();
    expect(await opened.models()).toEqual([{ model: 'm1', vectors: 1 }]);
    await opened.close();
    expect((await run(['ask', 'text'], env)).stdout).toMatch(/meaning -?\d/);
  });

  it.each([
    [[], 2, 'What is to be done?'],
    [['fly'], 2, 'There is no "fly".'],
    [['add'], 2, 'add takes one thing.'],
    [['list', 'x'], 2, 'list takes nothing more.'],
    [['add', 'x', '--max-pages', '0'], 2, '--max-pages takes'],
    [['add', 'no-such-file.md'], 1, 'Nothing could be read.'],
    [['add', 'ftp://x/'], 1, 'Nothing could be read.'],
    [['add', 'http://10.0.0.1/'], 1, 'private network'],
  ])('refuses %j', async (args, code, reason) => {
    const { run } = await place();
    const ran = await run(args);
    expect(ran.code).toBe(code);
    expect(ran.stderr).toContain(reason);
  });
});
