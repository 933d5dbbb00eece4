import type { Lane } from './live-log.ts';
import { bytesOf } from './slabs.ts';

/** How many exchanges, and about how many bytes, are put together in one go. */
const SLICE_EXCHANGES = 200;
const SLICE_BYTES = 128 * 1024;

/**
 * The text of conversations.json, an exchange a line, in slices that are each short work.
 * @param until Exchanges that arrived with this number or a higher one are left out.
 */
export function* conversationsText(
  lanes: Iterable<Lane>,
  until = Number.POSITIVE_INFINITY,
): Generator<Buffer> {
  let parts: Buffer[] = [];
  let bytes = 0;
  let text = '{';
  let firstLane = true;
  for (const { key, entries } of lanes) {
    const oldest = entries[0];
    if (oldest && oldest.seq >= until) continue;
    text += `${firstLane ? '' : ','}\n${JSON.stringify(key)}: [`;
    firstLane = false;
    let separator = '\n';
    for (const entry of entries) {
      if (entry.seq >= until) break;
      parts.push(Buffer.from(text + separator), bytesOf(entry));
      bytes += entry.bytes;
      text = '';
      separator = ',\n';
      if (parts.length >= 2 * SLICE_EXCHANGES || bytes >= SLICE_BYTES) {
        yield Buffer.concat(parts);
        parts = [];
        bytes = 0;
      }
    }
    text += '\n]';
  }
  parts.push(Buffer.from(`${text}\n}\n`));
  yield Buffer.concat(parts);
}

/** What is found in the text: a key with its list (`json` undefined), then each element of the list. */
export interface Found {
  readonly key: string;
  readonly json: string | undefined;
  /** Where in the text it begins and ends, in bytes. */
  readonly at: number;
  readonly end: number;
}

/** A text that is not of the form `{key: [{…}]}`. */
export class ConversationsSyntaxError extends Error {
  /** In bytes from the beginning. */
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.name = 'ConversationsSyntaxError';
    this.at = at;
  }
}

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d];

/**
 * Finds keys and elements in the text of conversations.json, element by element: the whole of it parsed at
 * once would take several times its size in memory.
 * The elements' own syntax is not checked; whoever parses them does.
 * @throws ConversationsSyntaxError
 */
export function* findConversations(text: Buffer): Generator<Found> {
  let at = text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf ? 3 : 0;

  const fail = (expected: string): never => {
    throw new ConversationsSyntaxError(at < text.length ? `expected ${expected}` : 'it ends too early', at);
  };
  const skipSpace = (): void => {
    for (;;) {
      const byte = text[at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      at++;
    }
  };
  const next = (byte: number): boolean => {
    skipSpace();
    if (text[at] !== byte) return false;
    at++;
    return true;
  };
  const expect = (byte: number): void => {
    if (!next(byte)) fail(`"${String.fromCharCode(byte)}"`);
  };
  const skipString = (): void => {
    at++;
    for (; at < text.length; at++) {
      const byte = text[at];
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) at++;
    }
    if (at >= text.length) fail('"');
    at++;
  };
  const skipObject = (): void => {
    let depth = 0;
    do {
      const byte = text[at];
      if (byte === QUOTE) {
        skipString();
        continue;
      }
      if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth++;
      else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) depth--;
      else if (byte === undefined) fail('"}"');
      at++;
    } while (depth > 0);
  };
  const key = (): string => {
    skipSpace();
    if (text[at] !== QUOTE) fail('a key in quotes');
    const start = at;
    skipString();
    try {
      return String(JSON.parse(text.toString('utf8', start, at)));
    } catch {
      throw new ConversationsSyntaxError('expected a key in quotes', start);
    }
  };

  expect(OPEN_OBJECT);
  if (!next(CLOSE_OBJECT)) {
    do {
      const name = key();
      expect(COLON);
      expect(OPEN_LIST);
      yield { key: name, json: undefined, at, end: at };
      if (next(CLOSE_LIST)) continue;
      do {
        skipSpace();
        if (text[at] !== OPEN_OBJECT) fail('an exchange: "{"');
        const start = at;
        skipObject();
        yield { key: name, json: text.toString('utf8', start, at), at: start, end: at };
      } while (next(COMMA));
      expect(CLOSE_LIST);
    } while (next(COMMA));
    expect(CLOSE_OBJECT);
  }
  skipSpace();
  if (at < text.length) fail('nothing more');
}
