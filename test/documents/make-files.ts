import { strToU8, zipSync } from 'fflate';

const escapeXml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** The parts of a Word document. @param paragraphs Each with its style, empty for plain text. */
export const docxParts = (
  paragraphs: readonly (readonly [style: string, text: string])[],
  rows: readonly (readonly string[])[] = [],
) => {
  const text = paragraphs.map(
    ([style, words]) =>
      `<w:p>${style && `<w:pPr><w:pStyle w:val="${style}"/></w:pPr>`}<w:r><w:t>${escapeXml(words)}</w:t></w:r></w:p>`,
  );
  const table = rows.map(
    (cells) =>
      `<w:tr>${cells.map((cell) => `<w:tc><w:p><w:r><w:t>${escapeXml(cell)}</w:t></w:r></w:p></w:tc>`).join('')}</w:tr>`,
  );
  const styles = ['Title', 'Heading1', 'Heading2'].map(
    (id) =>
      `<w:style w:type="paragraph" w:styleId="${id}"><w:name w:val="${id.replace('Heading', 'heading ')}"/></w:style>`,
  );
  const head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>';
  const word = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"';
  const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
  return {
    '[Content_Types].xml': `${head}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/><Override PartName="/word/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml"/></Types>`,
    '_rels/.rels': `${head}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="${office}/officeDocument" Target="word/document.xml"/></Relationships>`,
    'word/_rels/document.xml.rels': `${head}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="${office}/styles" Target="styles.xml"/></Relationships>`,
    'word/styles.xml': `${head}<w:styles ${word}>${styles.join('')}</w:styles>`,
    'word/document.xml': `${head}<w:document ${word}><w:body>${text.join('')}${table.length > 0 ? `<w:tbl>${table.join('')}</w:tbl>` : ''}</w:body></w:document>`,
  };
};

/** Packs parts as a Word document is packed. */
export const packed = (parts: Readonly<Record<string, string>>): Uint8Array =>
  zipSync(Object.fromEntries(Object.entries(parts).map(([name, text]) => [name, strToU8(text)])), {
    mtime: '2024-01-01',
  });

export const docxOf = (...args: Parameters<typeof docxParts>): Uint8Array => packed(docxParts(...args));

/** Latin-1 as a string in PDF. */
const pdfString = (text: string): string =>
  `(${text.replaceAll(/[\\()]/g, (character) => `\\${character}`)})`;

/** The content of a page: its lines from the top, those that begin with `!` as headings. */
const pageContent = (lines: readonly string[]): string => {
  let y = 780;
  return lines
    .map((line) => {
      const isHeading = line.startsWith('!');
      y -= line === '' ? 14 : isHeading ? 30 : 14;
      if (line === '') return '';
      return `BT /F1 ${isHeading ? 20 : 11} Tf 1 0 0 1 60 ${y} Tm ${pdfString(isHeading ? line.slice(1) : line)} Tj ET`;
    })
    .join('\n');
};

/** A PDF from its objects, in their order; the first is the catalogue. */
export const pdfFrom = (objects: readonly string[], trailer = ''): Uint8Array => {
  let text = '%PDF-1.7\n';
  const offsets = objects.map((object, index) => {
    const at = text.length;
    text += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return at;
  });
  const xref = text.length;
  text += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`;
  text += offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('');
  text += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R ${trailer} >>\nstartxref\n${xref}\n%%EOF\n`;
  return Buffer.from(text, 'latin1');
};

/** A PDF with a page for each list of lines. */
export const pdfOf = (pages: readonly (readonly string[])[], title = ''): Uint8Array => {
  const first = 5;
  const kids = pages.map((_, index) => `${first + 2 * index} 0 R`).join(' ');
  return pdfFrom(
    [
      '<< /Type /Catalog /Pages 2 0 R >>',
      `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`,
      '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
      `<< /Title ${pdfString(title)} >>`,
      ...pages.flatMap((lines, index) => {
        const content = pageContent(lines);
        return [
          `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents ${first + 2 * index + 1} 0 R >>`,
          `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
        ];
      }),
    ],
    '/Info 4 0 R',
  );
};

/** A PDF that opens only with a password, which nobody knows: what would prove one is not a hash of anything. */
export const encryptedPdf = (): Uint8Array =>
  pdfFrom(
    ['<< /Type /Catalog /Pages 2 0 R >>', '<< /Type /Pages /Kids [] /Count 0 >>'],
    `/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <${'4f'.repeat(32)}> /U <${'55'.repeat(32)}> >> /ID [<00> <00>]`,
  );
