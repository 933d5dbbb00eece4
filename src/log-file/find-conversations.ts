import { isUtf8 } from 'node:buffer';

/** What is found in the text of a log, in its order. Places are in bytes from the beginning. */
export type Found =
  /** A key that has a list: what follows under this key are its elements. */
  | { readonly kind: 'list'; readonly key: string; readonly at: number }
  /**
   * An element of the key's list, or of the whole where that is one list; `stray`: what a key has instead of a list.
   */
  | {
      readonly kind: 'element' | 'stray';
      readonly key: string | undefined;
      /** Its text, of which only the end was looked for: whoever parses it learns whether it is JSON. */
      readonly json: string;
      readonly at: number;
      readonly end: number;
    };

/** A text that is neither of the form `{key: [{…}]}` nor of the form `[{…}]`. */
export class ConversationsSyntaxError extends Error {
  /** In bytes from the beginning. */
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.name = 'ConversationsSyntaxError';
    this.at = at;
  }
}

/** The longest key or element where a text comes in pieces: a quote left open must not gather all of it. */
const MAX_BYTES = 16 * 1024 * 1024;

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d];
const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/**
 * Gives what follows in a text, with what is still `needed` of the part that was given before in front of it;
 * undefined at the end. That part is of no use any more then, so its memory may be.
 */
export type ReadOn = (needed: Buffer) => Buffer | undefined;

/**
 * Finds keys and elements in the text of a log, element by element: the whole of it parsed at once would take
 * several times its size in memory.
 * @throws ConversationsSyntaxError
 */
export function* findConversations(readOn: ReadOn): Generator<Found> {
  let text: Buffer = readOn(Buffer.alloc(0)) ?? Buffer.alloc(0);
  /** Where `text` begins, in the whole. */
  let base = 0;
  let at = text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf ? 3 : 0;
  /** From here on the text is needed again. */
  let start = 0;

  const more = (): boolean => {
    const needed = text.subarray(start);
    const longer = readOn(needed);
    if (!longer) return false;
    if (needed.length > MAX_BYTES) {
      throw new ConversationsSyntaxError(
        `what begins here is longer than ${MAX_BYTES} bytes; is a quote or a bracket missing?`,
        base + start,
      );
    }
    base += start;
    at -= start;
    start = 0;
    text = longer;
    return true;
  };
  const fail = (expected: string): never => {
    const message = at < text.length ? `expected ${expected}` : 'it ends too early';
    throw new ConversationsSyntaxError(message, base + at);
  };
  const skipSpace = (): void => {
    do {
      while (isSpace(text[at])) at++;
      start = at;
    } while (at === text.length && more());
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
    for (;;) {
      const byte = text[at];
      if (byte === QUOTE) break;
      if (byte === undefined) {
        // A backslash may have skipped the first byte of the next piece.
        if (!more()) fail('"');
      } else at += byte === BACKSLASH ? 2 : 1;
    }
    at++;
  };
  const skipNested = (): void => {
    let depth = 0;
    do {
      const byte = text[at];
      if (byte === QUOTE) {
        skipString();
        continue;
      }
      if (byte === undefined) {
        if (!more()) fail('"}"');
        continue;
      }
      if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth++;
      else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) depth--;
      at++;
    } while (depth > 0);
  };
  const skipWord = (): void => {
    for (;;) {
      const byte = text[at];
      if (byte === undefined && more()) continue;
      const isOver = byte === undefined || byte === COMMA || byte === CLOSE_LIST || byte === CLOSE_OBJECT;
      if (isOver || isSpace(byte)) return;
      at++;
    }
  };
  const taken = (): string => {
    if (!isUtf8(text.subarray(start, at))) {
      throw new ConversationsSyntaxError('it is not UTF-8', base + start);
    }
    return text.toString('utf8', start, at);
  };
  const value = (kind: 'element' | 'stray', key: string | undefined): Found => {
    skipSpace();
    const first = text[at];
    if (first === QUOTE) skipString();
    else if (first === OPEN_OBJECT || first === OPEN_LIST) skipNested();
    else skipWord();
    if (at === start) fail(kind === 'element' ? 'an exchange' : 'a list');
    return { kind, key, json: taken(), at: base + start, end: base + at };
  };
  const readKey = (): string => {
    skipSpace();
    if (text[at] !== QUOTE) fail('a key in quotes');
    skipString();
    const json = taken();
    try {
      return String(JSON.parse(json));
    } catch {
      throw new ConversationsSyntaxError('expected a key in quotes', base + start);
    }
  };

  if (next(OPEN_LIST)) {
    if (!next(CLOSE_LIST)) {
      do {
        yield value('element', undefined);
      } while (next(COMMA));
      expect(CLOSE_LIST);
    }
  } else if (!next(OPEN_OBJECT)) {
    fail('"{" or "["');
  } else if (!next(CLOSE_OBJECT)) {
    do {
      const key = readKey();
      expect(COLON);
      if (!next(OPEN_LIST)) {
        yield value('stray', key);
        continue;
      }
      yield { kind: 'list', key, at: base + at };
      if (next(CLOSE_LIST)) continue;
      do {
        yield value('element', key);
      } while (next(COMMA));
      expect(CLOSE_LIST);
    } while (next(COMMA));
    expect(CLOSE_OBJECT);
  }
  skipSpace();
  if (at < text.length) fail('nothing more');
}

/** A text that is at hand as a whole. */
export const wholeText = (text: Buffer): ReadOn => {
  let given = false;
  return () => {
    if (given) return undefined;
    given = true;
    return text;
  };
};
