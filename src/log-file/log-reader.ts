import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type Found, findConversations } from './find-conversations.ts';
import { asUtf8 } from './utf16.ts';

const PIECE_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

/** A place in a file, both counted from 1; columns in bytes. */
export interface FilePlace {
  readonly line: number;
  readonly column: number;
}

/**
 * A log file, read piece by piece. Each read blocks, so that finding is one plain loop: good for a command that
 * does nothing else, not for the service.
 */
export interface LogReader {
  readonly path: string;
  /** Its size when it was opened, as UTF-8. */
  readonly size: number;
  /** Bytes that the present pass has read. */
  readonly position: number;
  /** What is in the file, from its beginning. @throws ConversationsSyntaxError */
  pass(): Generator<Found>;
  /** Where bytes are, in lines; not while a pass is under way. */
  placesOf(ats: readonly number[]): (at: number) => FilePlace;
  /** Whether somebody has written to the file since it was opened. */
  hasChanged(): boolean;
  close(): void;
}

/**
 * @param asText Gives the file, or a copy of it in which the log is text in UTF-8.
 * @throws The system's error; Error where the path is none of a file, and so could not be read twice.
 */
export const openLogReader = (path: string, asText: (file: number) => number = asUtf8): LogReader => {
  const file = openSync(path, 'r');
  const opened = fstatSync(file);
  if (!opened.isFile()) {
    closeSync(file);
    throw new Error('it is not a file');
  }
  const text = asText(file);
  const { size } = text === file ? opened : fstatSync(text);
  let position = 0;
  let buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  const readOn = (needed: Buffer, from: number): Buffer | undefined => {
    if (from >= size) return undefined;
    const into = 2 * needed.length > buffer.length ? Buffer.allocUnsafeSlow(2 * buffer.length) : buffer;
    into.set(needed);
    buffer = into;
    const read = readSync(
      text,
      buffer,
      needed.length,
      Math.min(PIECE_BYTES, buffer.length - needed.length),
      from,
    );
    return read === 0 ? undefined : buffer.subarray(0, needed.length + read);
  };
  return {
    path,
    size,
    get position() {
      return position;
    },
    pass() {
      position = 0;
      return findConversations((needed) => {
        const longer = readOn(needed, position);
        if (longer) position += longer.length - needed.length;
        return longer;
      });
    },
    placesOf(ats) {
      const sorted = ats.toSorted((a, b) => a - b);
      const places = new Map<number, FilePlace>();
      let line = 1;
      let lineStart = 0;
      for (let base = 0; places.size < new Set(sorted).size; ) {
        const piece = readOn(Buffer.alloc(0), base);
        const end = piece ? base + piece.length : Number.POSITIVE_INFINITY;
        let seen = base;
        for (const at of sorted.filter((at) => at >= base && at < end)) {
          for (let i = piece?.indexOf(NEWLINE, seen - base) ?? -1; i >= 0 && base + i < at; ) {
            line++;
            lineStart = base + i + 1;
            i = piece?.indexOf(NEWLINE, i + 1) ?? -1;
          }
          seen = Math.max(seen, at);
          places.set(at, { line, column: at - lineStart + 1 });
        }
        for (
          let i = piece?.indexOf(NEWLINE, seen - base) ?? -1;
          i >= 0;
          i = piece?.indexOf(NEWLINE, i + 1) ?? -1
        ) {
          line++;
          lineStart = base + i + 1;
        }
        base = end;
      }
      return (at) => places.get(at) ?? { line: 1, column: 1 };
    },
    hasChanged() {
      const now = fstatSync(file);
      return now.size !== opened.size || now.mtimeMs !== opened.mtimeMs;
    },
    close: () => {
      if (text !== file) closeSync(text);
      closeSync(file);
    },
  };
};
