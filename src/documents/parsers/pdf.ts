import { getDocumentProxy } from 'unpdf';
import { z } from 'zod';
import { type Block, type ParsedDocument, UnreadableDocument } from '../model.ts';
import { createBlocks } from './bounded-blocks.ts';
import { oneLine } from './html-nodes.ts';
import type { ParseLimits } from './limits.ts';

const textItem = z.object({
  str: z.string(),
  hasEOL: z.boolean(),
  height: z.number(),
  width: z.number(),
  /** a, b, c, d, x, y */
  transform: z.array(z.number()).length(6),
});
const info = z.looseObject({ Title: z.string().optional(), Language: z.string().nullish() });

interface Line {
  readonly text: string;
  readonly height: number;
  readonly y: number;
}

/** A heading's letters are so much larger than the text's. */
const HEADING_RATIO = 1.18;
const MAX_HEADING = 160;
/** Lines further apart, in heights of their letters, are two paragraphs. */
const PARAGRAPH_GAP = 1.75;
/** Pieces of a line further apart, in heights, are two cells of a table. */
const CELL_GAP = 1.2;

/** The lines of a page, from the pieces of text that stand on it. */
const linesOf = (items: readonly unknown[]): Line[] => {
  const lines: Line[] = [];
  let text = '';
  let height = 0;
  let y = 0;
  let right: number | undefined;
  const flush = (): void => {
    if (text.trim() !== '') lines.push({ text: oneLine(text), height, y });
    text = '';
    height = 0;
    right = undefined;
  };
  for (const raw of items) {
    const { data: item } = textItem.safeParse(raw);
    if (!item) continue;
    const [, , , , x = 0, itemY = 0] = item.transform;
    if (right !== undefined && Math.abs(itemY - y) > Math.max(item.height, height) / 2) flush();
    if (right !== undefined && item.str.trim() !== '' && x - right > CELL_GAP * Math.max(item.height, 1))
      text += ' | ';
    text += item.str;
    if (item.str.trim() !== '') {
      height = Math.max(height, item.height);
      y = itemY;
      right = x + item.width;
    }
    if (item.hasEOL) flush();
  }
  flush();
  return lines;
};

/** The height of most letters. */
const usualHeight = (lines: readonly Line[]): number => {
  const chars = new Map<number, number>();
  for (const { height, text } of lines)
    chars.set(Math.round(height), (chars.get(Math.round(height)) ?? 0) + text.length);
  return [...chars].toSorted((a, b) => b[1] - a[1])[0]?.[0] ?? 0;
};

/** Headings by their size, and paragraphs by what is between their lines. */
const blocksOf = (lines: readonly Line[], usual: number, place: string): Block[] => {
  const blocks: Block[] = [];
  let paragraph = '';
  let before: Line | undefined;
  const flush = (): void => {
    if (paragraph !== '') blocks.push({ type: 'text', text: paragraph, place });
    paragraph = '';
  };
  for (const line of lines) {
    const isHeading = usual > 0 && line.height > usual * HEADING_RATIO && line.text.length <= MAX_HEADING;
    if (isHeading) {
      flush();
      blocks.push({ type: 'heading', level: line.height > usual * 1.6 ? 1 : 2, text: line.text });
    } else {
      if (before && before.y - line.y > PARAGRAPH_GAP * Math.max(line.height, usual)) flush();
      const isCut = /\p{L}-$/u.test(paragraph) && /^\p{Ll}/u.test(line.text);
      paragraph = isCut
        ? paragraph.slice(0, -1) + line.text
        : paragraph + (paragraph === '' ? '' : '\n') + line.text;
    }
    before = line;
  }
  flush();
  return blocks;
};

const open = async (bytes: Uint8Array) => {
  try {
    return await getDocumentProxy(new Uint8Array(bytes), { disableFontFace: true });
  } catch (cause) {
    const name = cause instanceof Error ? cause.name : '';
    throw new UnreadableDocument(
      name === 'PasswordException' ? 'encrypted: it opens only with a password' : 'a damaged PDF',
      {
        cause,
      },
    );
  }
};

/**
 * Reads a PDF, page by page.
 * @throws UnreadableDocument such as for one that is encrypted, or a scan without text.
 */
export const parsePdf = async (bytes: Uint8Array, limits: ParseLimits): Promise<ParsedDocument> => {
  const pdf = await open(bytes);
  const found = createBlocks(limits);
  const pages = Math.min(pdf.numPages, limits.maxPages);
  const meta = info.safeParse((await pdf.getMetadata().catch(() => undefined))?.info).data;
  const all: Line[][] = [];
  for (let n = 1; n <= pages; n += 1) {
    const page = await pdf.getPage(n);
    const { items } = await page.getTextContent();
    all.push(linesOf(items));
    page.cleanup();
  }
  const usual = usualHeight(all.flat());
  for (const [index, lines] of all.entries()) {
    for (const block of blocksOf(lines, usual, `page ${index + 1}`)) found.add(block);
  }
  if (found.blocks.length === 0) throw new UnreadableDocument('a scan: its pages are pictures without text');
  const note =
    found.note() ??
    (pages < pdf.numPages ? `only the first ${pages} of ${pdf.numPages} pages were read` : undefined);
  const title = meta?.Title?.trim();
  return {
    blocks: found.blocks,
    ...(title ? { title } : {}),
    ...(meta?.Language ? { language: meta.Language } : {}),
    ...(note === undefined ? {} : { note }),
  };
};
