/** Marks above and below letters that people leave out when they search: Latin, Greek, Cyrillic; Hebrew; Arabic. */
const MARKS = /[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670]/g;

/**
 * A text as it is searched: case and accents folded, compatibility forms (full width, ligatures) made plain.
 * Stores keep it beside message and answer; what is searched for goes through it, too.
 */
export const fold = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(MARKS, '')
    // By way of upper case: ß and SS, ſ and S, the two small sigmas are one then.
    .toUpperCase()
    .toLowerCase()
    .replaceAll('ς', 'σ')
    .normalize('NFC')
    // Nothing behind one would be found in SQLite.
    .replaceAll('\0', ' ');

/** Longest search, in characters, and its most terms: each is looked for in every text. */
const MAX_CHARS = 200;
const MAX_TERMS = 8;

/** What a search looks for: words, and "several words" in quotes, folded. */
export const searchTerms = (query: string): string[] => {
  const found = query.slice(0, MAX_CHARS).matchAll(/"([^"]+)"|(\S+)/g);
  const terms = [...found].map(([, quoted, word]) => fold(quoted ?? word ?? '').trim());
  return [...new Set(terms.filter((term) => term !== '' && term !== '"'))].slice(0, MAX_TERMS);
};
