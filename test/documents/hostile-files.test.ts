import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { deflateSync } from 'node:zlib';
import { zipSync } from 'fflate';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { createParser } from '../../src/documents/parsers/parser.ts';
import { temporaryFolder } from '../helpers/service.ts';
import { startSite } from './helper.ts';
import { docxParts, packed, pdfFrom, pdfOf } from './make-files.ts';

const MB = 1024 * 1024;
const parser = createParser();
/** Gives up early, so that the tests need not wait for what is never done. */
const hasty = createParser({ maxTime: 3_000, maxMemory: 200 * MB });
afterAll(() => {
  parser.close();
  hasty.close();
});

const parse = (name: string, content: string | Uint8Array, by = parser) =>
  by.parse({ name, bytes: typeof content === 'string' ? Buffer.from(content) : content });
const parts = docxParts([['', 'hello']]);
const document = parts['word/document.xml'];

/** A PDF whose page's content unpacks to so many bytes. */
const pdfBomb = (bytes: number): Uint8Array => {
  let packedContent = deflateSync(Buffer.alloc(bytes, ' '), { level: 9 });
  packedContent = Buffer.from(packedContent);
  return pdfFrom([
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>',
    `<< /Length ${packedContent.length} /Filter /FlateDecode >>\nstream\n${packedContent.toString('latin1')}\nendstream`,
  ]);
};

describe('a hostile file costs little and stops nothing', () => {
  it('a Word document that unpacks to more than it may', async () => {
    const bomb = zipSync(
      {
        ...Object.fromEntries(Object.entries(parts).map(([name, text]) => [name, Buffer.from(text)])),
        'word/document.xml': new Uint8Array(150 * MB),
      },
      { level: 9 },
    );
    expect(bomb.length).toBeLessThan(MB);
    await expect(parse('bomb.docx', bomb)).rejects.toThrow('too large when unpacked');
  });

  it('a Word document that lies about what it unpacks to', async () => {
    const bomb = Buffer.from(zipSync({ 'word/document.xml': new Uint8Array(150 * MB) }, { level: 9 }));
    // The size stands in the archive's directory, 24 bytes after its mark.
    bomb.writeUInt32LE(100, bomb.indexOf('PK\x01\x02') + 24);
    await expect(parse('liar.docx', bomb)).rejects.toThrow(/ZIP archive|Word document/);
  });

  it('a Word document of very many parts', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, n) => [`word/${n}.xml`, new Uint8Array(0)]),
    );
    await expect(parse('many.docx', zipSync(many))).rejects.toThrow('too many parts');
  });

  it('a Word document whose XML names entities that double and double', async () => {
    const doubling = Array.from({ length: 30 }, (_, n) => `<!ENTITY e${n + 1} "&e${n};&e${n};">`).join('');
    const laughs = document
      .replace('?>', `?><!DOCTYPE x [<!ENTITY e0 "ha">${doubling}]>`)
      .replace('hello', 'hello &e30;');
    const outcome = await parse('laughs.docx', packed({ ...parts, 'word/document.xml': laughs })).catch(
      (thrown: unknown) => thrown,
    );
    expect(JSON.stringify(outcome).length).toBeLessThan(1_000);
  });

  it('a Word document that names a file of this machine', async () => {
    const entity = document
      .replace('?>', '?><!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/passwd">]>')
      .replace('hello', 'hello &secret;');
    const outcome = await parse('entity.docx', packed({ ...parts, 'word/document.xml': entity })).catch(
      (thrown: unknown) => thrown,
    );
    expect(JSON.stringify(outcome)).not.toContain('root:');
  });

  it.each([
    [
      'a Word document',
      'x.docx',
      (entity: string) =>
        packed({
          ...parts,
          'word/document.xml': document.replace('?>', `?>${entity}`).replace('hello', 'hello &secret;'),
        }),
    ],
    ['a web page', 'x.html', (entity: string) => `${entity}<p>hello &secret;</p>`],
    [
      'XHTML',
      'x.xhtml',
      (entity: string) =>
        `<?xml version="1.0"?>${entity}<html xmlns="http://www.w3.org/1999/xhtml"><body><p>hello &secret;</p></body></html>`,
    ],
    ['Markdown', 'x.md', (entity: string) => `${entity}\n\nhello &secret;`],
  ])('%s whose entities are at another server, which is not asked', async (_, name, content) => {
    const server = await startSite(() => 'SECRET');
    const local = path.join(await temporaryFolder(), 'secret.txt');
    await writeFile(local, 'SECRET');
    for (const from of [`${server.url}/x`, `file://${local}`]) {
      const entities = `<!DOCTYPE x [<!ENTITY % all SYSTEM "${from}"> %all; <!ENTITY secret SYSTEM "${from}">]>`;
      const outcome = await parse(name, content(entities)).catch((thrown: unknown) => String(thrown));
      expect(JSON.stringify(outcome)).not.toContain('SECRET');
      expect(JSON.stringify(outcome)).toMatch(/hello|damaged/);
    }
    expect(server.asked).toEqual([]);
  });

  it('a Word document of broken XML', async () => {
    const broken = packed({ ...parts, 'word/document.xml': document.slice(0, -40) });
    await expect(parse('broken.docx', broken)).rejects.toThrow(/damaged|without text/);
  });

  it('a PDF of three thousand pages, of which as many are read as may be', async () => {
    const pages = Array.from({ length: 3_000 }, (_, n) => [`Page ${n + 1}`]);
    const { blocks, note } = await parse('pages.pdf', pdfOf(pages));
    expect(note).toBe('only the first 2000 of 3000 pages were read');
    expect(blocks).toHaveLength(2_000);
  }, 90_000);

  it('a PDF whose page unpacks to very much', async () => {
    const outcome = await parse('bomb.pdf', pdfBomb(400 * MB), hasty).catch((thrown: unknown) =>
      String(thrown),
    );
    expect(outcome).toMatch(/needs too much memory|takes longer than|a scan|too large/);
  });

  it('a PDF whose pages are each other’s parents', async () => {
    const loop = pdfFrom([
      '<< /Type /Catalog /Pages 2 0 R >>',
      '<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 1000000 >>',
    ]);
    await expect(parse('loop.pdf', loop, hasty)).rejects.toThrow();
  });

  it('a page of very deep elements', async () => {
    const deep = `${'<div>'.repeat(100_000)}deep${'</div>'.repeat(100_000)}<p>flat</p>`;
    await expect(parse('deep.html', `<h1>Deep</h1>${deep}`)).resolves.toMatchObject({ title: 'Deep' });
  });

  it('a page of misnested elements, which take long to sort out', async () => {
    const outcome = await parse('misnested.html', '<b><i><a href=x>'.repeat(100_000), hasty).catch(
      (thrown: unknown) => String(thrown),
    );
    expect(outcome).toMatch(/takes longer than|needs too much|without text/);
  });

  it('a table of very many rows, of which as many are read as may be', async () => {
    const { blocks, note } = await parse('rows.csv', `a,b\n${'1,2\n'.repeat(200_000)}`);
    expect(blocks).toHaveLength(50_000);
    expect(note).toBe('only the first 50000 rows were read');
    const html = await parse(
      'rows.html',
      `<table><tr><th>a<th>b</tr>${'<tr><td>1<td>2</tr>'.repeat(60_000)}</table>`,
    );
    expect(html.note).toBe('only the first 50000 rows were read');
  });

  it('a table with one endless cell', async () => {
    await expect(parse('cell.csv', `a,b\n"${'x'.repeat(5 * MB)}`)).rejects.toThrow('not a valid CSV table');
  });

  it('a text of very many characters, of which as many are read as may be', async () => {
    const { note } = await parse('long.txt', `${'x'.repeat(1_000)}\n\n`.repeat(11_000));
    expect(note).toBe('only the first 10000000 characters were read');
  });

  it('Markdown that its parser takes long over', async () => {
    const outcome = await parse('nested.md', '> '.repeat(5_000) + '[x]('.repeat(20_000), hasty).catch(
      (thrown: unknown) => String(thrown),
    );
    expect(outcome).toBeDefined();
  });

  it('is followed by one that is read as ever', async () => {
    // A busy machine may take longer than the hasty one waits to start another process.
    const { blocks } = await vi.waitFor(() => parse('after.txt', 'hello', hasty), { timeout: 30_000 });
    expect(blocks).toEqual([{ type: 'text', text: 'hello' }]);
  });
});

describe('a parser', () => {
  it('keeps the event loop free while it works', async () => {
    let ticks = 0;
    const timer = setInterval(() => (ticks += 1), 5);
    await hasty
      .parse({ name: 'deep.html', bytes: Buffer.from('<b><i><a href=x>'.repeat(100_000)) })
      .catch(() => undefined);
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(20);
  });
});
