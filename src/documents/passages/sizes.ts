/** What one character costs in scripts without an alphabet, about. */
const DENSE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/gu;
const CHARS_PER_TOKEN = 4;

/** About how many tokens a text is, for any model: a quarter of its characters, and all of those that are words. */
export const tokensOf = (text: string): number => {
  const dense = text.match(DENSE)?.length ?? 0;
  return dense + Math.ceil((text.length - dense) / CHARS_PER_TOKEN);
};

const sentences = new Intl.Segmenter(undefined, { granularity: 'sentence' });
/** What a sentence finder is given at most: it takes long over what has no sentences. */
const MAX_SEGMENT = 20_000;

/** Puts pieces together again, as many as fit. */
const join = (pieces: Iterable<string>, maxTokens: number): string[] => {
  const joined: string[] = [];
  let text = '';
  let tokens = 0;
  for (const piece of pieces) {
    const cost = tokensOf(piece);
    if (text !== '' && tokens + cost > maxTokens) {
      joined.push(text);
      text = '';
      tokens = 0;
    }
    text += piece;
    tokens += cost;
  }
  if (text !== '') joined.push(text);
  return joined;
};

/** Pieces of a text that has no place to cut it. */
function* hardCut(text: string, maxTokens: number): Generator<string> {
  const characters = [...text];
  for (let from = 0; from < characters.length; from += maxTokens)
    yield characters.slice(from, from + maxTokens).join('');
}

function* piecesOf(text: string, maxTokens: number): Generator<string> {
  for (const line of text.split(/(?<=\n)/)) {
    if (tokensOf(line) <= maxTokens) yield line;
    else if (line.length > MAX_SEGMENT) yield* hardCut(line, maxTokens);
    else {
      for (const { segment } of sentences.segment(line)) {
        if (tokensOf(segment) <= maxTokens) yield segment;
        else
          for (const words of join(segment.split(/(?<=\s)/), maxTokens))
            yield* hardCutIfLarge(words, maxTokens);
      }
    }
  }
}

function* hardCutIfLarge(text: string, maxTokens: number): Generator<string> {
  if (tokensOf(text) <= maxTokens) yield text;
  else yield* hardCut(text, maxTokens);
}

/** A text in parts of at most so many tokens, cut at lines, else sentences, else words, else anywhere. */
export const cutText = (text: string, maxTokens: number): string[] => {
  if (tokensOf(text) <= maxTokens) return [text];
  return join(piecesOf(text, maxTokens), maxTokens)
    .map((part) => part.trim())
    .filter((part) => part !== '');
};
