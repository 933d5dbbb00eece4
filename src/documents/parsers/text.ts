import type { ParsedDocument } from '../model.ts';
import { createBlocks } from './bounded-blocks.ts';
import type { ParseLimits } from './limits.ts';

/** Reads plain text: paragraphs are what blank lines part. */
export const parseText = (text: string, limits: ParseLimits): ParsedDocument => {
  const blocks = createBlocks(limits);
  for (const paragraph of text.split(/\r?\n[ \t]*\r?\n/))
    blocks.add({ type: 'text', text: paragraph.trim() });
  const note = blocks.note();
  return { blocks: blocks.blocks, ...(note === undefined ? {} : { note }) };
};
