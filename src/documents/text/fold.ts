/** Accents of Latin, Greek and Cyrillic, and Arabic vowel marks. Other scripts' marks are letters of theirs. */
const MARKS = /[\u0300-\u036F\u064B-\u0652\u0670]/g;
const LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ı: 'i',
};
const LETTER = /[ßæœøłđı]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII, for the quick way out
const ASCII = /^[\x00-\x7F]*$/;

/** Lower case without accents, so that `Größe`, `GROSSE` and `grosse` are one word. */
export const fold = (text: string): string => {
  const lower = text.toLowerCase();
  if (ASCII.test(lower)) return lower;
  return lower
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFD')
    .replace(MARKS, '')
    .normalize('NFC')
    .replace(LETTER, (letter) => LETTERS[letter] ?? letter);
};
