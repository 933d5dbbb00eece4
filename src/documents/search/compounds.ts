import type { DocumentIndex, WordGroup } from '../index/index-port.ts';
import { languageOf } from '../text/languages.ts';
import { termOf } from '../text/terms.ts';

/** Shorter words are no compounds; shorter parts mean nothing. */
const MIN_WORD = 8;
const MIN_PART = 4;
/** What German puts between the parts of a word. */
const LINKS = /(?:es|en|er|s|n|e)$/;

interface Split {
  readonly left: readonly string[];
  readonly right: readonly string[];
}

const splitsOf = (word: string, languages: readonly string[]): Split[] => {
  const isSmall = (part: string): boolean => languages.some((code) => languageOf(code)?.stopWords.has(part));
  const forms = (part: string): string[] =>
    isSmall(part) ? [] : [...new Set(languages.map((code) => termOf(part, code === '' ? undefined : code)))];
  return Array.from({ length: Math.max(0, word.length - 2 * MIN_PART + 1) }, (_, at) => {
    const left = word.slice(0, at + MIN_PART);
    const bare = left.replace(LINKS, '');
    return {
      left: [...forms(left), ...(bare.length >= MIN_PART ? forms(bare) : [])],
      right: forms(word.slice(at + MIN_PART)),
    };
  });
};

/**
 * Takes apart words that no document has, such as `Rückgabefrist` where the documents speak of a `Frist für die
 * Rückgabe`. What words there are is for the index to say: no dictionary is needed.
 * @returns The parts as words of their own.
 */
export const splitCompounds = async (
  words: readonly string[],
  languages: readonly string[],
  index: Pick<DocumentIndex, 'knownTerms'>,
): Promise<WordGroup[]> => {
  const candidates = words
    .filter((word) => word.length >= MIN_WORD && /^\p{L}+$/u.test(word))
    .map((word) => splitsOf(word, languages));
  const asked = [...new Set(candidates.flat().flatMap(({ left, right }) => [...left, ...right]))];
  if (asked.length === 0) return [];
  const known = new Set(await index.knownTerms(asked));
  return candidates.flatMap((splits): WordGroup[] => {
    const possible = splits
      .map(({ left, right }) => [
        left.filter((form) => known.has(form)),
        right.filter((form) => known.has(form)),
      ])
      .filter((parts) => parts.every((forms) => forms.length > 0));
    // The longest second part: it is what the word is about.
    return possible[0]?.map((forms) => ({ forms })) ?? [];
  });
};
