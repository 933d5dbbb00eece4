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

/** The forms of a word as a tsquery. */
const tsqueryOf = ({ forms, prefix }: WordGroup): string =>
  [...forms.map(quoted), ...(prefix === undefined ? [] : [`${quoted(prefix)}:*`])].join(' | ');

/** How strongly more of a word counts, and how much a passage's length does: what FTS5 uses, and most others. */
const K1 = 1.2;
const B = 0.75;
/** What ts_rank gives at most: 1/1² + 1/2² + 1/3² + … */
const MOST = 1.644_934_066_85;

/**
 * BM25, of which Postgres has all parts but the formula. ts_rank of one word is 1/1² + 1/2² + … + 1/n² over MOST,
 * where n is how often the passage has it: 1/(MOST − that) − ½ gives n back. How many passages have a word is counted
 * among those found, which are all that have any.
 * @returns A statement whose first parameter is the limit.
 */
export const bm25Query = (groups: readonly WordGroup[]): { text: string; values: string[] } => {
  const n = groups.map((_, at) => at);
  // $1 is the limit, $2 the words together.
  const parameter = (at: number): string => `$${at + 3}::text::tsquery`;
  const ranks = groups.map(({ forms, prefix }, at) => {
    const operands = new Set(forms).size + (prefix === undefined ? 0 : 1);
    return `ts_rank('{1,1,1,1}', words, ${parameter(at)}) * ${MOST * operands} as r${at}`;
  });
  const counts = n.map(
    (at) => `case when r${at} = 0 then 0 else 1 / greatest(${MOST} - r${at}, 0.004) - 0.5 end as f${at}`,
  );
  const frequencies = n.map((at) => `count(*) filter (where f${at} > 0) as d${at}`);
  const rarity = n.map((at) => `greatest(ln(($$.n - d${at} + 0.5) / (d${at} + 0.5)), 1e-6) as i${at}`);
  const parts = n.map(
    (at) => `i${at} * f${at} * ${K1 + 1} / (f${at} + ${K1} * (${1 - B} + ${B} * length / average))`,
  );
  return {
    text: `
      with totals as (select passages as n, greatest(words::float8 / greatest(passages, 1), 1) as average from tp_document_totals),
      ranked as (select seq, length, ${ranks.join(', ')} from tp_document_words where words @@ $2::text::tsquery),
      found as materialized (select seq, length, ${counts.join(', ')} from ranked),
      frequencies as (select ${frequencies.join(', ')} from found),
      rarities as (select n, average, ${n.map((at) => `d${at}`).join(', ')}, ${rarity.join(', ').replaceAll('$$', 'totals')}
        from frequencies cross join totals),
      best as (select seq, (${parts.join(' + ')})::float8 as score from found cross join rarities order by 2 desc, 1 limit $1::text::integer)
      select p.id, best.score, n::float8 as total, array_to_string(array[${n.map((at) => `d${at}`).join(', ')}], ' ') as counts
      from best join tp_document_passages p using (seq) cross join rarities order by best.score desc, seq`,
    values: [groups.map(tsqueryOf).join(' | '), ...groups.map(tsqueryOf)],
  };
};
