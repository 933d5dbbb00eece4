import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type ConversationsSyntaxError, type Found, findConversations } from './find-conversations.ts';

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
  /** Its size when it was opened. */
  readonly size: number;
  /** Bytes that the present pass has read. */
  readonly position: number;
  /** What is in the file, from its beginning. @throws ConversationsSyntaxError */
  pass(): Generator<Found>;
  placeOf(at: number): FilePlace;
  /** Whether somebody has written to the file since it was opened. */
  hasChanged(): boolean;
  close(): void;
}

/** @throws The system's error; Error where the path is none of a file, and so could not be read twice. */
export const openLogReader = (path: string): LogReader => {
  const file = openSync(path, 'r');
  const opened = fstatSync(file);
  if (!opened.isFile()) {
    closeSync(file);
    throw new Error('it is not a file');
  }
  const { size, mtimeMs } = opened;
  let position = 0;
  let buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  const readOn = (needed: Buffer, from: number): Buffer | undefined => {
    if (from >= size) return undefined;
    const into = 2 * needed.length > buffer.length ? Buffer.allocUnsafeSlow(2 * buffer.length) : buffer;
    into.set(needed);
    buffer = into;
    const read = readSync(
      file,
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
    placeOf(at) {
      let line = 1;
      let lineStart = 0;
      for (let base = 0; base < at; ) {
        const piece = readOn(Buffer.alloc(0), base);
        if (!piece) break;
        for (let i = piece.indexOf(NEWLINE); i >= 0 && base + i < at; i = piece.indexOf(NEWLINE, i + 1)) {
          line++;
          lineStart = base + i + 1;
        }
        base += piece.length;
      }
      return { line, column: at - lineStart + 1 };
    },
    hasChanged() {
      const now = fstatSync(file);
      return now.size !== size || now.mtimeMs !== mtimeMs;
    },
    close: () => closeSync(file),
  };
};

/** What a fault in the file's syntax is called: with its place. */
export const syntaxFault = (reader: LogReader, error: ConversationsSyntaxError): string => {
  const { line, column } = reader.placeOf(error.at);
  return `line ${line}, column ${column}: ${error.message}`;
};
