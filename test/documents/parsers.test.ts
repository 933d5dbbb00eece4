import { strToU8, zipSync } from 'fflate';
import { afterAll, describe, expect, it } from 'vitest';
import type { Block } from '../../src/documents/model.ts';
import { createParser } from '../../src/documents/parsers/parser.ts';
import { docxOf, encryptedPdf, pdfOf } from './make-files.ts';

const parser = createParser();
afterAll(() => parser.close());

const read = (name: string, content: string | Uint8Array, contentType?: string) =>
  parser.parse({
    name,
    bytes: typeof content === 'string' ? Buffer.from(content) : content,
    ...(contentType === undefined ? {} : { contentType }),
  });
/** Blocks in short: headings with their level, rows as `column=cell`. */
const short = (blocks: readonly Block[]): string[] =>
  blocks.map((block) => {
    if (block.type === 'heading') return `${'#'.repeat(block.level)} ${block.text}`;
    if (block.type === 'text') return block.text;
    return block.cells.map((cell, at) => `${block.columns[at] ?? ''}=${cell}`).join(' ');
  });

describe('a document is read', () => {
  it('from Markdown, with its headings, lists, tables and front matter', async () => {
    const text = [
      '---',
      'title: Shipping',
      'lang: en',
      'url: https://shop.example/shipping',
      '---',
      '# How we ship',
      'We ship *daily* &amp; fast.',
      '',
      '- by post',
      '- by bike',
      '',
      '| Country | Price |',
      '|---|---|',
      '| Austria | 5 € |',
      '',
      '<div>Raw <b>HTML</b></div>',
    ].join('\n');
    const { title, language, blocks, page } = await read('shipping.md', text);
    expect({ title, language, url: page?.canonical }).toEqual({
      title: 'Shipping',
      language: 'en',
      url: 'https://shop.example/shipping',
    });
    expect(short(blocks)).toEqual([
      '# How we ship',
      'We ship daily & fast.',
      '- by post',
      '- by bike',
      'Country=Austria Price=5 €',
      'Raw HTML',
    ]);
  });

  it('from a web page, without what is around its main text', async () => {
    const html = `<!doctype html><html lang="de"><head><title>Versand – Laden</title>
      <link rel="canonical" href="/versand"><style>p { color: red }</style></head>
      <body><header>Laden</header><nav><a href="/start">Start</a></nav>
      <div class="cookie-banner">Wir verwenden Cookies</div>
      <h1 id="oben">Versand</h1><p>Wir liefern <b>täglich</b>.<br>Auch samstags.</p>
      <p hidden>Geheim</p><div style="display:none">Unsichtbar</div>
      <script>alert('x')</script><a href="/weiter">Weiter</a> <a href="/nie" rel="nofollow">Nie</a>
      <footer>Impressum</footer></body></html>`;
    const { title, language, blocks, page } = await read('page', html, 'text/html; charset=utf-8');
    expect({ title, language }).toEqual({ title: 'Versand', language: 'de' });
    expect(short(blocks)).toEqual(['# Versand', 'Wir liefern täglich.\nAuch samstags.', 'Weiter Nie']);
    expect(blocks[0]).toMatchObject({ url: '#oben' });
    expect(page).toEqual({ links: ['/start', '/weiter'], canonical: '/versand', noIndex: false });
  });

  it('from a table whose cells span several rows', async () => {
    const html =
      '<main><table><thead><tr><th>Size</th><th>Colour</th><th>Price</th></tr></thead>' +
      '<tr><td rowspan=2>S</td><td>red</td><td>1</td></tr><tr><td>blue</td><td>2</td></tr></table></main>';
    const { blocks } = await read('table.html', html);
    expect(short(blocks)).toEqual(['Size=S Colour=red Price=1', 'Size=S Colour=blue Price=2']);
  });

  it('from a PDF, with the pages that its text stands on', async () => {
    const { title, blocks } = await read(
      'returns.pdf',
      pdfOf([['!Returns', 'You have thirty', 'days.'], ['Ask us.']], 'Returns policy'),
    );
    expect(title).toBe('Returns policy');
    expect(blocks).toEqual([
      { type: 'heading', level: 1, text: 'Returns' },
      { type: 'text', text: 'You have thirty\ndays.', place: 'page 1' },
      { type: 'text', text: 'Ask us.', place: 'page 2' },
    ]);
  });

  it('from a Word document, with its headings and tables', async () => {
    const { title, blocks } = await read(
      'guide.docx',
      docxOf(
        [
          ['Heading1', 'Care'],
          ['', 'Wash cold.'],
        ],
        [
          ['Part', 'Life'],
          ['Lamp', '2 years'],
        ],
      ),
    );
    expect(title).toBe('Care');
    expect(short(blocks)).toEqual(['# Care', 'Wash cold.', '=Part =Life', '=Lamp =2 years']);
  });

  it('from CSV, whichever character parts its cells', async () => {
    const semicolons = await read('prices.csv', 'Artikel;Preis\n"Zelt; groß";49,90\nTasse;5\n');
    expect(short(semicolons.blocks)).toEqual(['Artikel=Zelt; groß Preis=49,90', 'Artikel=Tasse Preis=5']);
    const questions = await read(
      'faq.csv',
      'question,answer,url\nHow long?,"Two, or three days",https://shop.example/faq#long\n',
    );
    expect(questions.blocks).toEqual([
      { type: 'heading', level: 2, text: 'How long?', url: 'https://shop.example/faq#long' },
      { type: 'text', text: 'Two, or three days' },
    ]);
  });

  it.each([
    ['a list', '[{"question": "How long?", "answer": "Two days"}]'],
    ['a list with German names', '[{"frage": "How long?", "antwort": "Two days"}]'],
    ['an object that has a list', '{"faqs": [{"q": "How long?", "a": "Two days"}]}'],
    ['answers by their questions', '{"How long?": "Two days"}'],
    [
      'schema.org',
      '{"@type": "FAQPage", "mainEntity": [{"@type": "Question", "name": "How long?", "acceptedAnswer": {"text": "Two days"}}]}',
    ],
  ])('from question and answer pairs in JSON: %s', async (_, json) => {
    const { blocks } = await read('faq.json', json);
    expect(short(blocks)).toEqual(['## How long?', 'Two days']);
  });

  it('from text in an older encoding', async () => {
    const { blocks } = await read('old.txt', Buffer.from('Gr\xf6\xdfe\r\n\r\nM', 'latin1'));
    expect(short(blocks)).toEqual(['Größe', 'M']);
    const utf16 = await read('notepad.txt', Buffer.from('\ufeffGröße', 'utf16le'));
    expect(short(utf16.blocks)).toEqual(['Größe']);
  });

  it('by what it is, whatever its name says', async () => {
    const { blocks } = await read('returns.docx', pdfOf([['Thirty days.']]));
    expect(short(blocks)).toEqual(['Thirty days.']);
  });
});

describe('a document that cannot be read says why', () => {
  it.each<[string, string, string | Uint8Array, string]>([
    ['a scan', 'scan.pdf', pdfOf([[]]), 'a scan: its pages are pictures without text'],
    ['an encrypted PDF', 'x.pdf', encryptedPdf(), 'encrypted: it opens only with a password'],
    ['a file that is no PDF', 'x.pdf', 'hello', 'not a PDF'],
    ['a broken PDF', 'x.pdf', '%PDF-1.7 and nothing else', 'a damaged PDF'],
    [
      'a ZIP archive',
      'x.docx',
      zipSync({ 'a.txt': strToU8('hello') }),
      'a ZIP archive that is not a Word document',
    ],
    ['half a ZIP archive', 'x.docx', docxOf([['', 'hello']]).slice(0, 300), 'a damaged ZIP archive'],
    [
      'an encrypted Office file',
      'x.docx',
      Buffer.from('d0cf11e0a1b11ae1', 'hex'),
      'an encrypted or very old Office file; save it as .docx without a password',
    ],
    ['an empty file', 'x.md', '', 'empty'],
    ['a picture', 'x.txt', Buffer.from('89504e470d0a1a0a0000', 'hex'), 'not a text file'],
    [
      'other JSON',
      'x.json',
      '{"a": {"b": 1}}',
      'JSON without question and answer pairs, such as [{"question": "…", "answer": "…"}]',
    ],
    ['broken JSON', 'x.json', '{', 'not valid JSON'],
    ['a page without text', 'x.html', '<nav>Start</nav>', 'without text'],
    ['an unknown ending', 'x.exe', 'MZ', 'a kind of file that is not read'],
  ])('%s', async (_, name, content, reason) => {
    await expect(read(name, content)).rejects.toThrow(reason);
  });
});
