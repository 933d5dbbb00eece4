import { type PassageWithTerms, TITLE_WEIGHT, type WordGroup } from './index-port.ts';

/** Positions of a word that Postgres keeps, and the highest of them. */
const MAX_POSITIONS = 255;
const MAX_POSITION = 16_383;

const termsIn = (text: string): string[] => text.split(' ').filter((term) => term !== '');
/** Terms are letters and digits; other signs would be Postgres's. */
const clean = (term: string): string => term.replaceAll(/['\\]/g, '');
/** Quoted all the same. */
const quoted = (term: string): string => `'${clean(term)}'`;

/**
 * The words of a passage as a tsvector, and each once. Each stands at as many positions as it counts, those of titles
 * twice: where it stands is of no use here, how often is.
 */
export const tsvectorOf = ({
  titleTerms,
  bodyTerms,
}: PassageWithTerms): { words: string; length: number; terms: readonly string[] } => {
  const counts = new Map<string, number>();
  const add = (terms: readonly string[], weight: number): void => {
    for (const term of terms) counts.set(clean(term), (counts.get(clean(term)) ?? 0) + weight);
  };
  const title = termsIn(titleTerms);
  const body = termsIn(bodyTerms);
  add(title, TITLE_WEIGHT);
  add(body, 1);
  let position = 0;
  const words = [...counts].map(([term, count]) => {
    // Without any position it counts once, too, and takes less room.
    if (count === 1) return quoted(term);
    const positions = Array.from({ length: Math.min(count, MAX_POSITIONS) }, () => {
      position = (position % MAX_POSITION) + 1;
      return position;
    });
    return `${quoted(term)}:${positions.toSorted((a, b) => a - b).join(',')}`;
  });
  return { words: words.join(' '), length: title.length + body.length, terms: [...counts.keys()] };
};

/** A word of a question as Postgres is asked for it: one form of it, or the words that begin with it. */
export interface AskedTerm {
  /** Which of the words it is a form of. */
  readonly owner: number;
  readonly term: string;
  readonly isPrefix: boolean;
}

/** A word's forms, and the words that begin with it. Each counts by itself, as in FTS5. */
export const termsOfGroups = (groups: readonly WordGroup[]): AskedTerm[] =>
  groups.flatMap(({ forms, prefix }, owner) => [
    ...forms.map((form) => ({ owner, term: clean(form), isPrefix: false })),
    ...(prefix === undefined ? [] : [{ owner, term: clean(prefix), isPrefix: true }]),
  ]);

/** An asked term with how many passages have it. */
export interface CountedTerm extends AskedTerm {
  readonly count: number;
}

/** How strongly more of a word counts, and how much a passage's length does: what FTS5 uses, and most others. */
const K1 = 1.2;
const B = 0.75;
/** What ts_rank gives at most: 1/1² + 1/2² + 1/3² + … */
const MOST = 1.644_934_066_85;
/** Passages that may be looked at before the more frequent words are left to rank alone; or this share of all. */
const FEW = 2_000;
const FEW_SHARE = 0.03;

const rarity = (total: number, count: number): number =>
  Math.max(1e-6, Math.log((total - count + 0.5) / (count + 0.5)));

/** What is looked for, and what the rest may add to a passage that has it. */
export interface Search {
  readonly terms: readonly CountedTerm[];
  /** By which passages are found: a tsquery. Those that do not fit it are not looked at. */
  readonly found: string;
  /** What a passage that is not looked at scores at most, if it does not have a word more than a few times. */
  readonly missed: number;
}

/** How often a passage that says nothing else that was asked has a word. */
const FEW_TIMES = 4;
const MOST_OF_ONE = (FEW_TIMES * (K1 + 1)) / (FEW_TIMES + K1);

const tsqueryOf = ({ term, isPrefix }: AskedTerm): string => `'${term}'${isPrefix ? ':*' : ''}`;
const anyOf = (terms: readonly AskedTerm[]): string => terms.map(tsqueryOf).join(' | ');

/** Looks at every passage that has any of the words. */
export const everyPassage = (terms: readonly CountedTerm[]): Search => ({
  terms,
  found: anyOf(terms),
  missed: 0,
});

/**
 * Frequent words find most passages, and tell least: one of them alone finds none, two of them
 * together do. Whether
 * that was right the scores tell: as long as those that are wanted are above `missed`, all of them were looked at.
 */
export const fewestFirst = (terms: readonly CountedTerm[], total: number): Search => {
  const few = Math.max(FEW, FEW_SHARE * total);
  const words = [...new Set(terms.map(({ owner }) => owner))]
    .map((owner) => {
      const own = terms.filter((term) => term.owner === owner);
      return {
        own,
        passages: Math.max(...own.map(({ count }) => count)),
        most: own.reduce((sum, { count }) => sum + MOST_OF_ONE * rarity(total, count), 0),
      };
    })
    .toSorted((a, b) => a.passages - b.passages);
  let sum = 0;
  const rare = words.filter(({ passages }) => {
    const isFew = sum === 0 || sum + passages <= few;
    sum += passages;
    return isFew;
  });
  const frequent = words.slice(rare.length);
  const isRarePair = (one: number, other: number): boolean => (one * other) / total <= few;
  const pairs = frequent.flatMap((one, at) =>
    frequent
      .slice(at + 1)
      .filter((other) => isRarePair(one.passages, other.passages))
      .map((other) => `(${anyOf(one.own)}) & (${anyOf(other.own)})`),
  );
  // Some words are so frequent that even two together say little.
  const everywhere = frequent.filter((one) =>
    frequent.some((other) => other !== one && !isRarePair(one.passages, other.passages)),
  );
  const together = everywhere.reduce((most, one) => most + one.most, 0);
  return {
    terms,
    found: [anyOf(rare.flatMap(({ own }) => own)), ...pairs].join(' | '),
    missed: Math.max(together, 0, ...frequent.map(({ most }) => most)),
  };
};

/** How often a passage has a word. For words that begin alike ts_rank adds up what each gives: more than MOST, then. */
const count = (at: number): string =>
  `case when r${at} = 0 then 0 when r${at} < ${MOST} then 1 / greatest(${MOST} - r${at}, 0.004) - 0.5 else 2 * r${at} end as f${at}`;

/**
 * BM25, of which Postgres has all parts but the formula. ts_rank of one word is 1/1² + 1/2² + … + 1/n² over MOST,
 * where n is how often the passage has it: 1/(MOST − that) − ½ gives n back.
 * @returns A statement with the limit as its first parameter.
 */
export const bm25Query = (
  { terms, found }: Search,
  { total, average, limit }: { total: number; average: number; limit: number },
): { text: string; values: string[] } => {
  const each = (expression: (at: number) => string, glue = ', '): string =>
    terms.map((_, at) => expression(at)).join(glue);
  // $1 is the limit, $2 the words by which passages are found.
  const ranks = each(
    (at) => `ts_rank('{1,1,1,1}', words, $${at + 3}::text::tsquery)::float8 * ${MOST} as r${at}`,
  );
  const parts = terms.map(
    ({ count: passages }, at) => `${rarity(total, passages)}::float8 * f${at} * ${K1 + 1} / (f${at} + norm)`,
  );
  return {
    text: `
      with ranked as (
        select seq, ${K1}::float8 * (${1 - B}::float8 + ${B}::float8 * length / ${average}::float8) as norm, ${ranks}
        from tp_document_words where words @@ $2::text::tsquery),
      found as materialized (select seq, norm, ${each(count)} from ranked),
      best as (select seq, ${parts.join(' + ')} as score from found order by 2 desc, 1 limit $1::text::integer)
      select p.id, best.score from best join tp_document_passages p using (seq) order by best.score desc, seq`,
    values: [String(limit), found, ...terms.map(tsqueryOf)],
  };
};
