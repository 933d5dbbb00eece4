/** Telephone numbers as people write them. A bare row of digits is one only where the words before it say so. */

/** What stands between two groups of digits, and a group. Never nothing: a row of digits is split in one way only. */
const GAP = '(?:[ \\u00a0][-/.·]?[ \\u00a0]?|[-/.·][ \\u00a0]?|(?=\\())';
const GROUP = '(?:\\(\\d{1,5}\\)[ \\u00a0-]?\\d{1,12}|\\d{1,12})';
/** Not within a longer number, nor after a group of one. */
const START = '(?<![\\p{L}\\p{N}_.,:/#+-])(?<!\\d[ \\u00a0])';
const END = '(?![\\p{L}\\p{N}_]|[.,:/-]\\d)';

/** `+49 30 1234567`, `+1 (555) 123-4567`. */
const INTERNATIONAL = new RegExp(`(?<![\\p{L}\\p{N}_+])\\+[1-9]\\d{0,14}(?:${GAP}${GROUP}){0,7}${END}`, 'gu');
/** `0049 30 1234567`; without a gap it may be a number with leading zeros. */
const DIALLED = new RegExp(`${START}00[1-9]\\d{0,2}(?:${GAP}${GROUP}){2,7}${END}`, 'gu');
/** `(555) 123-4567`, `555-123-4567`, `1-555-123-4567`. */
const NORTH_AMERICAN = new RegExp(
  `${START}(?:1[ .-])?(?:\\([2-9]\\d{2}\\) ?|[2-9]\\d{2}([ .-]))\\d{3}[ .-]\\d{4}${END}`,
  'gu',
);
/** `030 / 123 45 67`, `06 12 34 56 78`, `(020) 7946 0958`: a trunk zero, and groups. */
const NATIONAL = new RegExp(
  `${START}(?:\\(0[1-9]\\d{0,4}\\)|0[1-9]\\d{0,4})(?:${GAP}\\d{2,8}){1,5}${END}`,
  'gu',
);
/** The words before a bare number. */
const NAMED = new RegExp(
  `(?<![\\p{L}])((?:tel(?:[eé]?fono?|efone?|efoon)?|phone|mobile|cell|call me(?: on| at)?|whats?app|fax|handy|rufnummer|portable|m[oó]vil|celular|cellulare|gsm|mobiel|телефон|电话|電話)(?: number| nummer| no)?[\\s.:#=]{0,3}(?:is|ist|est|es|:)?\\s{0,2})(\\(?\\d[\\d ./()-]{5,18}\\d)${END}`,
  'giu',
);

const digitsIn = (text: string): number => text.replace(/\D/g, '').length;
const isBetween = (count: number, min: number, max: number): boolean => count >= min && count <= max;
/** A date, with or without a time after it. */
const DATE = /^(?:\d{1,2}([./-])\d{1,2}\1(?:19|20)?\d{2}|\d{4}([./-])\d{1,2}\2\d{1,2})(?![\d./-])/;

const maskWhere = (text: string, pattern: RegExp, isPhone: (match: string) => boolean): string =>
  text.replace(pattern, (match) => (isPhone(match) ? '[phone]' : match));

export const maskPhones = (text: string): string => {
  if (!/\d{2}/.test(text)) return text;
  let masked = maskWhere(
    text,
    INTERNATIONAL,
    // A sum or a decimal has a sign, too.
    (match) => isBetween(digitsIn(match), 8, 15) && !/^\+\d+\.\d+$/.test(match),
  );
  masked = maskWhere(masked, DIALLED, (match) => isBetween(digitsIn(match) - 2, 8, 15));
  masked = maskWhere(masked, NORTH_AMERICAN, () => true);
  masked = maskWhere(
    masked,
    NATIONAL,
    (match) => isBetween(digitsIn(match), 9, 12) && /\D/.test(match) && !DATE.test(match),
  );
  return masked.replace(NAMED, (match, words: string, number: string) =>
    isBetween(digitsIn(number), 7, 15) ? `${words}[phone]` : match,
  );
};
