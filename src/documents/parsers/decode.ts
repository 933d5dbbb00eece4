import { UnreadableDocument } from '../model.ts';

const BYTE_ORDER_MARKS: readonly [bytes: readonly number[], encoding: string][] = [
  [[0xef, 0xbb, 0xbf], 'utf-8'],
  [[0xff, 0xfe], 'utf-16le'],
  [[0xfe, 0xff], 'utf-16be'],
];
/** How far into a page its declaration of an encoding may stand, and how much is looked at to tell text from data. */
const HEAD_BYTES = 1_024;

const named = (label: string): TextDecoder | undefined => {
  try {
    return new TextDecoder(label);
  } catch {
    return undefined;
  }
};

/**
 * The text of bytes: by byte order mark, then as UTF-8 where it is that, then by what was declared, then as Windows-1252.
 * @param declared Such as the charset of a Content-Type.
 * @throws UnreadableDocument where it is no text.
 */
export const decode = (bytes: Uint8Array, declared?: string): string => {
  for (const [mark, encoding] of BYTE_ORDER_MARKS) {
    if (mark.every((byte, at) => bytes[at] === byte)) return new TextDecoder(encoding).decode(bytes);
  }
  if (bytes.subarray(0, HEAD_BYTES).includes(0)) throw new UnreadableDocument('not a text file');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const head = new TextDecoder('latin1').decode(bytes.subarray(0, HEAD_BYTES));
    const inPage = /<meta[^>]{0,200}charset\s*=\s*["']?([\w-]{1,40})/i.exec(head)?.[1];
    return (named(declared ?? inPage ?? '') ?? new TextDecoder('windows-1252')).decode(bytes);
  }
};
