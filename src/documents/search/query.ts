import type { WordGroup } from '../index/index-port.ts';
import { detectLanguage, languageOf } from '../text/languages.ts';
import { isGram, termOf, wordsOf } from '../text/terms.ts';

/** Words of a question that are looked for: of a longer one, the last. */
const MAX_WORDS = 32;
/** Languages whose forms of a word are tried. */
const MAX_LANGUAGES = 4;
/** Shorter words begin too many others. */
const MIN_PREFIX = 4;

/** Japanese writes its grammar in Hiragana: what a question is about is in the other runs, where there are any. */
const withoutKana = (words: readonly string[]): readonly string[] => {
  const telling = words.filter((word) => !/^[\p{Script=Hiragana}ー]+$/u.test(word));
  return telling.length > 0 ? telling : words;
};

/** A question as the index is asked it. */
export interface Query {
  readonly groups: readonly WordGroup[];
}

/** Whether a word says nothing about what a text is about, in any of the languages. */
const isStopWord = (word: string, languages: readonly string[]): boolean =>
  languages.some((code) => languageOf(code)?.stopWords.has(word));

/**
 * The words of a question, each with its forms in the languages that the documents are in.
 * @param languages Of the documents, most frequent first.
 */
export const buildQuery = (question: string, languages: readonly string[]): Query => {
  const tried = languages.slice(0, MAX_LANGUAGES);
  const all = [...new Set(wordsOf(question))];
  const own = detectLanguage(question);
  const spoken = own === undefined ? tried : [...tried, own];
  const telling = all.filter((word) => !isStopWord(word, spoken));
  const words = withoutKana(telling.length > 0 ? telling : all).slice(-MAX_WORDS);
  const seen = new Set<string>();
  const groups: WordGroup[] = [];
  for (const word of words) {
    const forms = [...new Set(tried.map((code) => termOf(word, code === '' ? undefined : code)))];
    if (forms.length === 0) forms.push(word);
    const name = forms.join(' ');
    if (seen.has(name)) continue;
    seen.add(name);
    const shortest = forms.toSorted((a, b) => a.length - b.length)[0] ?? word;
    const isWord =
      /^\p{L}+$/u.test(word) && /^[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}]+$/u.test(word);
    if (isGram(word)) groups.push({ forms, isGram: true });
    else groups.push(isWord && shortest.length >= MIN_PREFIX ? { forms, prefix: shortest } : { forms });
  }
  return { groups };
};
