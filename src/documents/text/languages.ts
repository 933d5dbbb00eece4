import { stemmer as da } from '@orama/stemmers/danish';
import { stemmer as nl } from '@orama/stemmers/dutch';
import { stemmer as en } from '@orama/stemmers/english';
import { stemmer as fi } from '@orama/stemmers/finnish';
import { stemmer as fr } from '@orama/stemmers/french';
import { stemmer as de } from '@orama/stemmers/german';
import { stemmer as hu } from '@orama/stemmers/hungarian';
import { stemmer as it } from '@orama/stemmers/italian';
import { stemmer as no } from '@orama/stemmers/norwegian';
import { stemmer as pt } from '@orama/stemmers/portuguese';
import { stemmer as ru } from '@orama/stemmers/russian';
import { stemmer as es } from '@orama/stemmers/spanish';
import { stemmer as sv } from '@orama/stemmers/swedish';
import { stopwords as daStop } from '@orama/stopwords/danish';
import { stopwords as nlStop } from '@orama/stopwords/dutch';
import { stopwords as enStop } from '@orama/stopwords/english';
import { stopwords as fiStop } from '@orama/stopwords/finnish';
import { stopwords as frStop } from '@orama/stopwords/french';
import { stopwords as deStop } from '@orama/stopwords/german';
import { stopwords as huStop } from '@orama/stopwords/hungarian';
import { stopwords as itStop } from '@orama/stopwords/italian';
import { stopwords as noStop } from '@orama/stopwords/norwegian';
import { stopwords as ptStop } from '@orama/stopwords/portuguese';
import { stopwords as ruStop } from '@orama/stopwords/russian';
import { stopwords as esStop } from '@orama/stopwords/spanish';
import { stopwords as svStop } from '@orama/stopwords/swedish';
import { fold } from './fold.ts';

interface Language {
  /** The stem of a folded word. */
  readonly stem: (word: string) => string;
  /** Folded words that say nothing about what a text is about. */
  readonly stopWords: ReadonlySet<string>;
}

/** Words that people put into questions and that no list of stop words has. */
const QUESTION_WORDS: Readonly<Record<string, string>> = {
  en: 'a i please tell know want need like would could many much get got also does cant dont hello hi hey thanks',
  de: 'bitte sagen wissen mochte mochten wollen wieviel viel gibt geht kriege bekomme hallo danke gern gerne man wann wer warum wieso',
};
const EMPTY: readonly string[] = [];

const language = (code: string, stem: Language['stem'], stopWords: readonly string[]): Language => ({
  stem,
  stopWords: new Set(
    [...stopWords, ...(QUESTION_WORDS[code]?.split(' ') ?? EMPTY)].flatMap((word) =>
      fold(word).split(/[^\p{L}]+/u),
    ),
  ),
});

const LANGUAGES: ReadonlyMap<string, Language> = new Map([
  ['da', language('da', da, daStop)],
  ['de', language('de', de, deStop)],
  ['en', language('en', en, enStop)],
  ['es', language('es', es, esStop)],
  ['fi', language('fi', fi, fiStop)],
  ['fr', language('fr', fr, frStop)],
  ['hu', language('hu', hu, huStop)],
  ['it', language('it', it, itStop)],
  ['nl', language('nl', nl, nlStop)],
  ['no', language('no', no, noStop)],
  ['pt', language('pt', pt, ptStop)],
  ['ru', language('ru', ru, ruStop)],
  ['sv', language('sv', sv, svStop)],
]);

/** A language by its code; undefined for one whose words are taken as they are. */
export const languageOf = (code: string | undefined): Language | undefined =>
  code === undefined ? undefined : LANGUAGES.get(code);

/** How much of a text is looked at to tell its language. */
const SAMPLE_CHARS = 4_000;
/** Stop words in the sample below which nothing is certain. */
const MIN_STOP_WORDS = 2;

/**
 * The language of a text, by its most frequent small words.
 * @param declared What the document itself says, such as `de-AT`; it counts where the text leaves doubt.
 * @returns A code of two letters, or what was declared, or undefined.
 */
export const detectLanguage = (text: string, declared?: string): string | undefined => {
  const said = declared?.trim().toLowerCase().split(/[-_]/)[0]?.slice(0, 8) || undefined;
  const words = fold(text.slice(0, SAMPLE_CHARS)).match(/\p{L}+/gu) ?? [];
  let best: string | undefined;
  let most = 0;
  for (const [code, { stopWords }] of LANGUAGES) {
    const count = words.filter((word) => stopWords.has(word)).length + (code === said ? 1 : 0);
    if (count > most) {
      best = code;
      most = count;
    }
  }
  return most >= MIN_STOP_WORDS ? best : said;
};
