import type { WordGroup, WordHits } from '../index/index-port.ts';
import type { FoundPassage } from '../model.ts';
import { termsOf } from '../text/terms.ts';

/** How rare a word is; one that no passage has is the rarest. */
const rarity = (total: number, count: number): number => Math.log(1 + (total - count + 0.5) / (count + 0.5));

/** What a run of characters counts that no passage has: mostly it is across the border of two words. */
const UNKNOWN_GRAM_SHARE = 0.2;

/** What a word that only begins alike counts, against the word itself. */
const PREFIX_SHARE = 0.7;

/**
 * How much of what was asked a passage has, 0 to 1: the share of the question's words, each by its rarity. Unlike
 * BM25 it can be compared between questions and databases, so that a floor can be put under it.
 */
export const coverage = (
  passage: FoundPassage,
  groups: readonly WordGroup[],
  { total, counts }: Pick<WordHits, 'total' | 'counts'>,
): number => {
  const { title, language } = passage.source;
  const terms = new Set(termsOf([title, ...passage.headings, passage.text].join('\n'), language));
  let has = 0;
  let asked = 0;
  for (const [at, { forms, prefix, isGram }] of groups.entries()) {
    const count = Math.min(total, counts[at] ?? 0);
    const weight = rarity(total, count) * (isGram && count === 0 ? UNKNOWN_GRAM_SHARE : 1);
    asked += weight;
    if (forms.some((form) => terms.has(form))) has += weight;
    else if (prefix !== undefined && [...terms].some((term) => term.startsWith(prefix)))
      has += PREFIX_SHARE * weight;
  }
  return asked === 0 ? 0 : has / asked;
};

/** Rank 1 of a list counts hardly more than rank 5: both lists are to be heard. */
const RANK_OFFSET = 60;

/**
 * Puts rankings together by reciprocal rank.
 * @see https://dl.acm.org/doi/10.1145/1571941.1572114
 * @returns Ids, best first, with their fused scores.
 */
export const fuse = (rankings: readonly (readonly string[])[]): { id: string; score: number }[] => {
  const scores = new Map<string, number>();
  for (const ranking of rankings) {
    for (const [rank, id] of ranking.entries())
      scores.set(id, (scores.get(id) ?? 0) + 1 / (RANK_OFFSET + rank + 1));
  }
  return [...scores].map(([id, score]) => ({ id, score })).toSorted((a, b) => b.score - a.score);
};
