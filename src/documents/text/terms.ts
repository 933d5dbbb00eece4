import { fold } from './fold.ts';
import { languageOf } from './languages.ts';

const WORD = /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu;
/** Scripts that put no spaces between words, with how many characters of theirs make a term. */
const CJK = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー々]+/u;
const SOUTH_EAST = /[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+/u;
const UNSPACED = new RegExp(`(${CJK.source}|${SOUTH_EAST.source})`, 'u');
const CJK_GRAM = 2;
const SOUTH_EAST_GRAM = 3;
/** No word that anybody looks for is longer; what is longer is data. */
const MAX_WORD = 60;

/** Runs of characters: `配送料` is `配送` and `送料`. */
const grams = (text: string, length: number): string[] => {
  const characters = [...text];
  if (characters.length <= length) return [text];
  return characters.slice(0, 1 - length).map((_, at) => characters.slice(at, at + length).join(''));
};

/** The words of a text, folded, and the character runs of what is written without spaces; in their order. */
export const wordsOf = (text: string): string[] =>
  (fold(text).match(WORD) ?? []).flatMap((word) => {
    if (word.length > MAX_WORD) return [];
    if (!UNSPACED.test(word)) return [word];
    return word
      .split(UNSPACED)
      .filter((part) => part !== '')
      .flatMap((part) => {
        if (CJK.test(part)) return grams(part, CJK_GRAM);
        return SOUTH_EAST.test(part) ? grams(part, SOUTH_EAST_GRAM) : [part];
      });
  });

/** Whether a word of {@link wordsOf} is a run of characters. */
export const isGram = (word: string): boolean => UNSPACED.test(word);

/** The term of a word in a language. */
export const termOf = (word: string, language: string | undefined): string => {
  if (/\d/.test(word)) return word;
  return languageOf(language)?.stem(word) || word;
};

/** The terms by which a text is found: its words without their endings. */
export const termsOf = (text: string, language: string | undefined): string[] =>
  wordsOf(text).map((word) => termOf(word, language));
