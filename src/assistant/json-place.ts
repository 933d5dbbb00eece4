/** A place in a text, both counted from 1; columns in UTF-16 units. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** What may come next. `end`: of the whole text. */
type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end' | 'end';

const SPACE = /[ \t\n\r]*/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-])|(?:true|false|null)(?!\w)/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})/y;

const endOfMatch = (pattern: RegExp, text: string, from: number): number | undefined => {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : undefined;
};

/** Where the string that begins at `from` ends; where it breaks, that place as `broken`. */
const endOfString = (text: string, from: number): number | { readonly broken: number } => {
  for (let at = from + 1; at < text.length; ) {
    const char = text[at] ?? '';
    if (char === '"') return at + 1;
    if (char < ' ') return { broken: at };
    const next = char === '\\' ? endOfMatch(ESCAPE, text, at) : at + 1;
    if (next === undefined) return { broken: at };
    at = next;
  }
  return { broken: text.length };
};

/**
 * Where a text stops being JSON (RFC 8259). For the message only: JSON.parse decides whether it is JSON.
 * It is here because JSON.parse names the place of some faults only, and repeats the text for the others.
 */
export const brokenAt = (text: string): Place => placeOf(text, faultIn(text));

const faultIn = (text: string): number => {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  for (let at = 0; ; ) {
    at = endOfMatch(SPACE, text, at) ?? at;
    const char = text[at];
    const inner = open.at(-1);
    const closes = (char === '}' && inner === '{') || (char === ']' && inner === '[');
    const after: Expected = open.length === 0 ? 'end' : ', or end';
    if (char === undefined) return text.length;
    if (closes && (expected === ', or end' || expected === `value or ]` || expected === 'key or }')) {
      open.pop();
      expected = open.length === 0 ? 'end' : ', or end';
      at += 1;
    } else if (char === ':' && expected === ':') {
      expected = 'value';
      at += 1;
    } else if (char === ',' && expected === ', or end') {
      expected = inner === '{' ? 'key' : 'value';
      at += 1;
    } else if (expected === 'key' || expected === 'key or }') {
      if (char !== '"') return at;
      const end = endOfString(text, at);
      if (typeof end !== 'number') return end.broken;
      expected = ':';
      at = end;
    } else if (expected === 'value' || expected === 'value or ]') {
      if (char === '{' || char === '[') {
        open.push(char);
        expected = char === '{' ? 'key or }' : 'value or ]';
        at += 1;
        continue;
      }
      const end = char === '"' ? endOfString(text, at) : (endOfMatch(SCALAR, text, at) ?? { broken: at });
      if (typeof end !== 'number') return end.broken;
      expected = after;
      at = end;
    } else return at;
  }
};

const placeOf = (text: string, at: number): Place => {
  const before = text.slice(0, at).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
};
