/** What `npm run export` writes as JSONL or CSV, as a list that the import reads. */

import { closeSync, readSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { asUtf8, openNameless, writeAll } from '../log-file/utf16.ts';
import { areColumns, exchangeInRow } from '../ops/csv-exchange.ts';

const PIECE_BYTES = 1024 * 1024;
/** The longest line that is read. */
const MAX_BYTES = 16 * 1024 * 1024;
const NEWLINE = 0x0a;
const QUOTE = 0x22;
const MARK = /^\ufeff/;
const DELIMITERS = [',', ';', '\t'];

/** Pieces of a file that end where a line does; in CSV a quoted line end is none. */
function* wholeLines(file: number, isCsv: boolean): Generator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for (let at = 0; ; ) {
    const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
    const read = readSync(file, piece, 0, PIECE_BYTES, at);
    at += read;
    if (read === 0) break;
    const text = Buffer.concat([rest, piece.subarray(0, read)]);
    let end = 0;
    if (isCsv) {
      let isQuoted = false;
      for (const [index, byte] of text.entries()) {
        if (byte === QUOTE) isQuoted = !isQuoted;
        else if (byte === NEWLINE && !isQuoted) end = index + 1;
      }
    } else end = text.lastIndexOf(NEWLINE) + 1;
    if (end > 0) yield text.subarray(0, end);
    rest = text.subarray(end);
    if (rest.length > MAX_BYTES) throw new Error('it has a line without an end; is a quote missing?');
  }
  if (rest.length > 0) yield rest;
}

/** The first line; empty where it is longer than any that is told by it. */
const firstLine = (file: number): string => {
  const piece = Buffer.alloc(PIECE_BYTES);
  const read = readSync(file, piece, 0, PIECE_BYTES, 0);
  const end = piece.indexOf(NEWLINE);
  if (end < 0 && read === PIECE_BYTES) return '';
  return piece
    .toString('utf8', 0, end < 0 ? read : end)
    .trim()
    .replace(MARK, '');
};

const exported = z.looseObject({ visitor: z.object({ kind: z.string(), id: z.string() }) });

/** The exchange with its owner as lists of other systems have it. */
const listed = (exchange: unknown): unknown => {
  const { success, data } = exported.safeParse(exchange);
  if (!success) return exchange;
  const { visitor, ...rest } = data;
  if (visitor.kind === 'anonymous')
    return { user_id: null, ...(visitor.id && { session: visitor.id }), ...rest };
  return { user_id: visitor.id, ...(visitor.kind === 'verified' && { verified: true }), ...rest };
};

const parsed = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    // No exchange, which is told with its place.
    return line.slice(0, 100);
  }
};

const isJsonLines = (line: string): boolean =>
  line.startsWith('{') && exported.safeParse(parsed(line)).success;

/** Of each line the exchange; undefined where it is empty. */
function* inJsonLines(file: number): Generator<unknown> {
  for (const lines of wholeLines(file, false)) {
    for (const line of lines.toString().replace(/\n$/, '').split('\n')) {
      const text = line.replace(MARK, '').trim();
      yield text === '' ? undefined : listed(parsed(text));
    }
  }
}

const rowList = z.array(z.record(z.string(), z.string().optional()));

/** The names of the columns, and what parts them; undefined where it is no CSV of ours. */
const columnsIn = (line: string): { columns: string[]; delimiter: string } | undefined => {
  for (const delimiter of DELIMITERS) {
    const columns = line.split(delimiter).map((name) => name.replaceAll('"', '').trim().toLowerCase());
    if (areColumns(columns)) return { columns, delimiter };
  }
  return undefined;
};

/** @throws Error where it is no CSV. */
function* inRows(file: number, header: { columns: string[]; delimiter: string }): Generator<unknown> {
  let isHead = true;
  for (const lines of wholeLines(file, true)) {
    const records: unknown = parse(lines, {
      ...header,
      ...(isHead && { from: 2, bom: true }),
      relax_column_count: true,
      cast: (cell, { quoting }) => (cell === '' && !quoting ? undefined : cell),
    });
    // The columns' line.
    if (isHead) yield undefined;
    isHead = false;
    for (const row of rowList.parse(records)) yield listed(exchangeInRow(row));
  }
}

/** Writes a list in which each exchange is on the line that it has in its file. */
const listOf = (exchanges: Iterable<unknown>): number => {
  const file = openNameless();
  try {
    let text = '[';
    let [isFirstLine, isFirst] = [true, true];
    let ends = '';
    for (const exchange of exchanges) {
      if (!isFirstLine) ends += '\n';
      isFirstLine = false;
      if (exchange === undefined) continue;
      text += `${isFirst ? '' : ','}${ends}${JSON.stringify(exchange)}`;
      isFirst = false;
      ends = '';
      if (text.length < PIECE_BYTES) continue;
      writeAll(file, text);
      text = '';
    }
    writeAll(file, `${text}]`);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
};

/**
 * The file in UTF-8 where it is a log in JSON; a list of the exchanges in it where it is JSONL or CSV.
 * @throws The system's error; Error where it is CSV and is broken.
 */
export const asList = (given: number): number => {
  const file = asUtf8(given);
  const line = firstLine(file);
  const header = columnsIn(line);
  if (!header && !isJsonLines(line)) return file;
  try {
    return listOf(header ? inRows(file, header) : inJsonLines(file));
  } finally {
    if (file !== given) closeSync(file);
  }
};
