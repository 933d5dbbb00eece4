import { type ParsedDocument, UnreadableDocument } from '../model.ts';
import { parseCsv } from './csv.ts';
import { decode } from './decode.ts';
import { parseHtml } from './html.ts';
import { parseJson } from './json.ts';
import type { ParseLimits } from './limits.ts';
import { parseMarkdown } from './markdown.ts';
import { parseText } from './text.ts';

/** A file as it came. */
export interface RawDocument {
  /** Its name, or its address; what it ends in tells what it is where its content does not. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Its Content-Type, where it came with one. */
  readonly contentType?: string;
}

type Kind = 'pdf' | 'zip' | 'ole' | 'html' | 'markdown' | 'csv' | 'json' | 'text';

const MAGIC: readonly [bytes: string, kind: Kind][] = [
  ['%PDF-', 'pdf'],
  ['PK\x03\x04', 'zip'],
  ['\xD0\xCF\x11\xE0', 'ole'],
];
const ENDINGS: Readonly<Record<string, Kind>> = {
  md: 'markdown',
  markdown: 'markdown',
  txt: 'text',
  text: 'text',
  html: 'html',
  htm: 'html',
  xhtml: 'html',
  csv: 'csv',
  tsv: 'csv',
  json: 'json',
  pdf: 'pdf',
  docx: 'zip',
};
const TYPES: Readonly<Record<string, Kind>> = {
  'text/html': 'html',
  'application/xhtml+xml': 'html',
  'text/markdown': 'markdown',
  'text/csv': 'csv',
  'application/json': 'json',
  'text/plain': 'text',
  'application/pdf': 'pdf',
};

/** What a name ends in, without its dot. */
const endingOf = (name: string): string => /\.([a-z0-9]{1,8})$/i.exec(name)?.[1]?.toLowerCase() ?? '';

/** Whether files of this name are read. */
export const isReadable = (name: string): boolean => endingOf(name) in ENDINGS;

/** What it is: by its first bytes, then by its Content-Type, then by its name. */
const kindOf = ({ name, bytes, contentType }: RawDocument): Kind | undefined => {
  const head = Buffer.from(bytes.subarray(0, 1_024)).toString('latin1');
  const magic = MAGIC.find(([start]) => head.trimStart().startsWith(start));
  if (magic) return magic[1];
  const type = contentType?.split(';')[0]?.trim().toLowerCase() ?? '';
  return TYPES[type] ?? ENDINGS[endingOf(name)];
};

/**
 * Reads a document. Costs what its content makes it cost: only for a process that is bounded.
 * @throws UnreadableDocument
 */
export const parseDocument = async (raw: RawDocument, limits: ParseLimits): Promise<ParsedDocument> => {
  if (raw.bytes.length > limits.maxBytes) throw new UnreadableDocument('too large');
  if (raw.bytes.length === 0) throw new UnreadableDocument('empty');
  const kind = kindOf(raw);
  // Loaded only where they are used: they are large.
  if (kind === 'pdf') {
    if (!Buffer.from(raw.bytes.subarray(0, 1_024)).toString('latin1').includes('%PDF-'))
      throw new UnreadableDocument('not a PDF');
    return (await import('./pdf.ts')).parsePdf(raw.bytes, limits);
  }
  if (kind === 'zip') {
    if (raw.bytes[0] !== 0x50) throw new UnreadableDocument('not a Word document');
    return (await import('./docx.ts')).parseDocx(raw.bytes, limits);
  }
  if (kind === 'ole')
    throw new UnreadableDocument('an encrypted or very old Office file; save it as .docx without a password');
  if (kind === undefined) throw new UnreadableDocument('a kind of file that is not read');
  const text = decode(raw.bytes, /charset=["']?([\w-]+)/i.exec(raw.contentType ?? '')?.[1]);
  const parsed = {
    html: parseHtml,
    markdown: parseMarkdown,
    csv: parseCsv,
    json: parseJson,
    text: parseText,
  }[kind](text, limits);
  if (parsed.blocks.length === 0 && !parsed.page?.links.length) throw new UnreadableDocument('without text');
  return parsed;
};
