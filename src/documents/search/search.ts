import type { DocumentIndex, WordHits } from '../index/index-port.ts';
import type { FoundPassage } from '../model.ts';
import { wordsOf } from '../text/terms.ts';
import { splitCompounds } from './compounds.ts';
import { buildQuery, type Query } from './query.ts';
import { coverage, fuse } from './relevance.ts';

/** Passages of each ranking that are looked at. */
const CANDIDATES = 50;
/** Passages that are given at most. */
const MAX_FOUND = 10;
/**
 * A passage that has less of what was asked, by words, is not about it. With 0.4 where a word is in no document, none of
 * the shop's 15 questions without an answer added anything (2 do); of 15 other questions that have one, four lost it.
 */
const MIN_COVERAGE = 0.3;
/** One that has less than this share of what the best has is not told beside it. */
const MIN_SHARE_OF_BEST = 0.5;

/** A passage that is nearest by meaning. */
export interface Nearest {
  readonly id: string;
  /** Cosine. */
  readonly similarity: number;
  /** Whether it is nearer than chance explains. */
  readonly isNear: boolean;
}

/** Search by meaning. */
export interface MeaningSearch {
  /** Passages nearest to a text, best first; none where it cannot be asked at the moment. */
  nearest(text: string, limit: number): Promise<readonly Nearest[]>;
}

/** A passage that was found, with why. */
export interface Found {
  readonly passage: FoundPassage;
  /** The fused score. */
  readonly score: number;
  /** How much of the question's words it has, 0 to 1. */
  readonly coverage: number;
  readonly similarity?: number;
  /** Whether it is told to the assistant; if not, it is below the floor. */
  readonly isRelevant: boolean;
}

export interface SearchOptions {
  /** The visitor's message before, where the question alone may not say what it is about. */
  readonly previous?: () => Promise<string | undefined>;
}

export interface Search {
  /** The best passages for a question, best first, also those below the floor. */
  search(question: string, options?: SearchOptions): Promise<Found[]>;
  /** The ids of the best passages for a text, best first, whatever they are worth. */
  rank(text: string, limit: number): Promise<string[]>;
  /** Documents have come or gone. */
  refresh(): void;
}

const byWords = async (
  query: Query,
  words: readonly string[],
  languages: readonly string[],
  index: DocumentIndex,
  limit: number,
) => {
  const hits = await index.byWords(query.groups, limit);
  const unknown = words.filter((word) =>
    query.groups.some(
      ({ forms, prefix }, at) =>
        hits.counts[at] === 0 && (forms.includes(word) || word.startsWith(prefix ?? '\0')),
    ),
  );
  const parts = await splitCompounds(unknown, languages, index);
  if (parts.length === 0) return { groups: query.groups, hits };
  // In place of the words that they are the parts of.
  const groups = [...query.groups.filter((_, at) => hits.counts[at] !== 0), ...parts];
  return { groups, hits: await index.byWords(groups, limit) };
};

/** For how long it is believed which languages there are, if any. */
const LANGUAGES_MS = 5_000;
/** Words of a question below which it does not stand alone: "and how much is it?" */
const STANDS_ALONE = 2;

/** Searches by words and, where there is a model for it, by meaning. */
export const createSearch = ({
  index,
  meaning,
}: {
  index: DocumentIndex;
  meaning?: MeaningSearch | undefined;
}): Search => {
  let languages: { readonly list: Promise<string[]>; readonly until: number } | undefined;
  /** Asked again after a while: other processes may have brought documents. */
  const languagesNow = (): Promise<string[]> => {
    const now = performance.now();
    if (!languages || languages.until < now) {
      const list = index.languages();
      languages = { list, until: now + LANGUAGES_MS };
      list.catch(() => {
        languages = undefined;
      });
    }
    return languages.list;
  };
  const candidates = async (text: string, languages: readonly string[], limit: number) => {
    const query = buildQuery(text, languages);
    const [{ groups, hits }, nearest] = await Promise.all([
      byWords(query, wordsOf(text), languages, index, limit),
      meaning?.nearest(text, limit) ?? [],
    ]);
    const fused = fuse([hits.hits.map(({ id }) => id), nearest.map(({ id }) => id)]);
    return { fused, groups, hits, nearest };
  };
  const find = async (text: string, languages: readonly string[]): Promise<Found[]> => {
    const { fused, ...found } = await candidates(text, languages, CANDIDATES);
    const best = fused.slice(0, 2 * MAX_FOUND);
    return select(await index.passages(best.map(({ id }) => id)), best, found);
  };
  return {
    search: async (question, { previous } = {}) => {
      const languages = await languagesNow();
      // There are no documents.
      if (languages.length === 0) return [];
      const standsAlone = buildQuery(question, languages).groups.length >= STANDS_ALONE;
      const alone = standsAlone || !previous ? await find(question, languages) : [];
      if (!previous || alone.some(({ isRelevant }) => isRelevant)) return alone;
      const before = await previous();
      if (before === undefined) return standsAlone ? alone : find(question, languages);
      return find(`${before}\n${question}`, languages);
    },
    rank: async (text, limit) => {
      const { fused } = await candidates(text, await languagesNow(), limit);
      return fused.slice(0, limit).map(({ id }) => id);
    },
    refresh: () => {
      languages = undefined;
    },
  };
};

const select = (
  passages: readonly FoundPassage[],
  fused: readonly { id: string; score: number }[],
  { groups, hits, nearest }: { groups: Query['groups']; hits: WordHits; nearest: readonly Nearest[] },
): Found[] => {
  const rated = passages.map((passage) => ({
    passage,
    score: fused.find(({ id }) => id === passage.id)?.score ?? 0,
    coverage: coverage(passage, groups, hits),
    near: nearest.find(({ id }) => id === passage.id),
  }));
  const best = Math.max(0, ...rated.map((one) => one.coverage));
  const floor = Math.max(MIN_COVERAGE, best * MIN_SHARE_OF_BEST);
  return rated
    .map(({ near, ...one }) => ({
      ...one,
      ...(near ? { similarity: near.similarity } : {}),
      isRelevant: one.coverage >= floor || near?.isNear === true,
    }))
    .slice(0, MAX_FOUND);
};
