import * as smd from 'streaming-markdown';

/** A dollar is a price here, and no formula; underscores within a word, as in `snake_case`, are no emphasis. */
const LITERAL = /(\$|(?<=[\p{L}\p{N}])_+(?=[\p{L}\p{N}]))/u;
const LAST_OF_WORD = /[\p{L}\p{N}]$/u;

const CODE: ReadonlySet<number> = new Set([smd.CODE_FENCE, smd.CODE_BLOCK, smd.CODE_INLINE]);
const ADDRESS: ReadonlySet<number> = new Set([smd.RAW_URL, smd.LINK, smd.IMAGE]);

/** Escapes what the parser would take for markdown and people do not mean so, however the text is cut. */
export const createLiterals = (
  parser: Pick<smd.Parser, 'token' | 'pending'>,
  feed: (text: string) => void,
): { write(text: string): void; end(): void } => {
  /** The last character, where it is of a word. */
  let lastOfWord = '';
  /** Underscores at the end, until it is known what follows them. */
  let held = '';

  const isVerbatim = (): boolean =>
    CODE.has(parser.token) || parser.pending.startsWith('`') || parser.pending.endsWith('\\');
  const feedParts = (text: string): void => {
    // What is captured stands at odd places.
    for (const [index, piece] of (lastOfWord + text).split(LITERAL).entries()) {
      const part = index === 0 ? piece.slice(lastOfWord.length) : piece;
      const isLiteral = index % 2 === 1 && !isVerbatim() && (part === '$' || !ADDRESS.has(parser.token));
      if (part !== '') feed(isLiteral ? part.replace(/./g, '\\$&') : part);
    }
    if (text !== '') lastOfWord = LAST_OF_WORD.exec(text)?.[0] ?? '';
  };

  return {
    write: (text) => {
      const all = held + text;
      held = /_*$/.exec(all)?.[0] ?? '';
      feedParts(all.slice(0, all.length - held.length));
    },
    end: () => feed(held),
  };
};
