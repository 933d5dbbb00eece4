import { type PassageWithTerms, TITLE_WEIGHT, type WordGroup } from './index-port.ts';

/** Positions of a word that Postgres keeps, and the highest of them. */
const MAX_POSITIONS = 255;
const MAX_POSITION = 16_383;

const termsIn = (text: string): string[] => text.split(' ').filter((term) => term !== '');
/** Terms are letters and digits; quoted all the same. */
const quoted = (term: string): string => `'${term.replaceAll(/['\\]/g, '')}'`;

/**
 * The words of a passage as a tsvector. Each stands at as many positions as it counts, those of titles twice: where
 * it stands is of no use here, how often is.
 */
export const tsvectorOf = ({
  titleTerms,
  bodyTerms,
}: PassageWithTerms): { words: string; length: number } => {
  const counts = new Map<string, number>();
  const add = (terms: readonly string[], weight: number): void => {
    for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + weight);
  };
  const title = termsIn(titleTerms);
  const body = termsIn(bodyTerms);
  add(title, TITLE_WEIGHT);
  add(body, 1);
  let position = 0;
  const words = [...counts].map(([term, count]) => {
    const positions = Array.from({ length: Math.min(count, MAX_POSITIONS) }, () => {
      position = (position % MAX_POSITION) + 1;
      return position;
    });
    return `${quoted(term)}:${positions.toSorted((a, b) => a - b).join(',')}`;
  });
  return { words: words.join(' '), length: title.length + body.length };
};

/** A word as a tsquery: its forms, or the words that begin with it. Each counts by itself, as in FTS5. */
const tsqueriesOf = ({ forms, prefix }: WordGroup): string[] => [
  ...forms.map(quoted),
  ...(prefix === undefined ? [] : [`${quoted(prefix)}:*`]),
];

/** How strongly more of a word counts, and how much a passage's length does: what FTS5 uses, and most others. */
const K1 = 1.2;
const B = 0.75;
/** What ts_rank gives at most: 1/1² + 1/2² + 1/3² + … */
const MOST = 1.644_934_066_85;

/** How often a passage has a word. For words that begin alike ts_rank adds up what each gives: more than MOST, then. */
const count = (at: number): string =>
  `case when r${at} = 0 then 0 when r${at} < ${MOST} then 1 / greatest(${MOST} - r${at}, 0.004) - 0.5 else 2 * r${at} end as f${at}`;

/**
 * BM25, of which Postgres has all parts but the formula. ts_rank of one word is 1/1² + 1/2² + … + 1/n² over MOST,
 * where n is how often the passage has it: 1/(MOST − that) − ½ gives n back. How many passages have a word is counted
 * among those found, which are all that have any.
 * @returns A statement whose first parameter is the limit. The counts are of all forms, in the order of `owners`.
 */
export const bm25Query = (
  groups: readonly WordGroup[],
): { text: string; values: string[]; owners: readonly number[] } => {
  const queries = groups.flatMap((group, owner) => tsqueriesOf(group).map((query) => ({ query, owner })));
  const each = (expression: (at: number) => string, glue = ', '): string =>
    queries.map((_, at) => expression(at)).join(glue);
  // $1 is the limit, $2 the words together.
  const ranks = each(
    (at) => `ts_rank('{1,1,1,1}', words, $${at + 3}::text::tsquery)::float8 * ${MOST} as r${at}`,
  );
  const rarities = each((at) => `greatest(ln((n - d${at} + 0.5) / (d${at} + 0.5)), 1e-6) as i${at}`);
  const parts = each((at) => `i${at} * f${at} * ${K1 + 1} / (f${at} + norm)`, ' + ');
  return {
    text: `
      with totals as (
        select passages::float8 as n, greatest(words::float8 / greatest(passages, 1), 1) as average from tp_document_totals),
      ranked as (
        select seq, ${K1}::float8 * (${1 - B}::float8 + ${B}::float8 * length / average) as norm, ${ranks}
        from tp_document_words cross join totals where words @@ $2::text::tsquery),
      found as materialized (select seq, norm, ${each(count)} from ranked),
      frequencies as (select ${each((at) => `(count(*) filter (where f${at} > 0))::float8 as d${at}`)} from found),
      rarities as (select n, ${each((at) => `d${at}`)}, ${rarities} from frequencies cross join totals),
      best as (select seq, ${parts} as score from found cross join rarities order by 2 desc, 1 limit $1::text::integer)
      select p.id, best.score, n as total, array_to_string(array[${each((at) => `d${at}`)}], ' ') as counts
      from best join tp_document_passages p using (seq) cross join rarities order by best.score desc, seq`,
    values: [queries.map(({ query }) => query).join(' | '), ...queries.map(({ query }) => query)],
    owners: queries.map(({ owner }) => owner),
  };
};
