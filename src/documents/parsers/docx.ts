import { strToU8, unzipSync, type Zippable, zipSync } from 'fflate';
import mammoth from 'mammoth';
import { type ParsedDocument, UnreadableDocument } from '../model.ts';
import { parseHtml } from './html.ts';
import type { ParseLimits } from './limits.ts';

const MAX_PARTS = 2_000;
/** The parts of a document that text is read from; pictures and fonts are not even unpacked. */
const READ = /^(?:\[Content_Types\]\.xml|_rels\/|word\/.*\.(?:xml|rels)$|docProps\/)/;
const STYLES = ["p[style-name='Title'] => h1:fresh", "p[style-name='Subtitle'] => h2:fresh"];

/** Unpacks what is to be read, and no more than a document may unpack to, whatever the archive says of itself. */
const unpack = (bytes: Uint8Array, maxBytes: number): Zippable => {
  let parts = 0;
  let left = maxBytes;
  try {
    return unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        parts += 1;
        if (parts > MAX_PARTS) throw new UnreadableDocument('a ZIP archive with too many parts');
        if (!READ.test(name)) return false;
        left -= originalSize;
        if (left < 0) throw new UnreadableDocument('too large when unpacked');
        return true;
      },
    });
  } catch (thrown) {
    if (thrown instanceof UnreadableDocument) throw thrown;
    throw new UnreadableDocument('a damaged ZIP archive', { cause: thrown });
  }
};

/**
 * Reads a Word document.
 * @throws UnreadableDocument
 */
export const parseDocx = async (bytes: Uint8Array, limits: ParseLimits): Promise<ParsedDocument> => {
  const parts = unpack(bytes, limits.maxUnpackedBytes);
  if (!('word/document.xml' in parts))
    throw new UnreadableDocument('a ZIP archive that is not a Word document');
  // What was unpacked under our bounds is what mammoth gets to see.
  const safe = Buffer.from(zipSync({ ...parts, 'word/media/': strToU8('') }, { level: 0 }));
  let html: string;
  try {
    const noImage = mammoth.images.imgElement(async () => ({ src: '' }));
    ({ value: html } = await mammoth.convertToHtml(
      { buffer: safe },
      { styleMap: STYLES, convertImage: noImage },
    ));
  } catch (cause) {
    throw new UnreadableDocument('a damaged Word document', { cause });
  }
  const { page: _, ...read } = parseHtml(`<body><main>${html}</main></body>`, limits);
  if (read.blocks.length === 0) throw new UnreadableDocument('a Word document without text');
  return read;
};
