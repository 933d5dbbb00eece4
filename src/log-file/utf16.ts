import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const PIECE_BYTES = 1024 * 1024;

/** UTF-16 as its mark tells, or as the zero byte beside the first bracket does; undefined: it is another. */
const utf16In = ([first, second]: Uint8Array): 'utf-16le' | 'utf-16be' | undefined => {
  if ((first === 0xff && second === 0xfe) || (first !== 0 && second === 0)) return 'utf-16le';
  if ((first === 0xfe && second === 0xff) || (first === 0 && second !== 0)) return 'utf-16be';
  return undefined;
};

/**
 * The file itself where it is not UTF-16, as some Windows programs write it; else a copy of it in UTF-8, which has no name
 * and goes when it is closed.
 * @throws The system's error; TypeError where it is no proper UTF-16.
 */
export const asUtf8 = (file: number): number => {
  const head = new Uint8Array(2);
  const encoding = readSync(file, head, 0, 2, 0) === 2 ? utf16In(head) : undefined;
  if (!encoding) return file;
  const copy = openNameless();
  try {
    const decoder = new TextDecoder(encoding, { fatal: true });
    const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
    for (let at = 0, read = 0; ; at += read) {
      read = readSync(file, piece, 0, PIECE_BYTES, at);
      writeAll(copy, decoder.decode(piece.subarray(0, read), { stream: read > 0 }));
      if (read === 0) return copy;
    }
  } catch (error) {
    closeSync(copy);
    throw error;
  }
};

/** Opens a temporary file that has no name, and goes when it is closed. */
export const openNameless = (): number => {
  const folder = mkdtempSync(path.join(tmpdir(), 'thread-proxy-'));
  const file = openSync(path.join(folder, 'log.json'), 'wx+', 0o600);
  rmSync(folder, { recursive: true });
  return file;
};

export const writeAll = (file: number, text: string): void => {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
};
