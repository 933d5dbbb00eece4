/** What the benches say, as one table. */

export interface Row {
  readonly what: string;
  readonly measured: string;
  /** The same without our service, or on an empty log, from the same run; — where the target is absolute. */
  readonly baseline: string;
  /** What is compared, beside what it should be. */
  readonly target: string;
  /** Absent: for information. */
  readonly ok?: boolean;
}

/** A bench gets so much time. */
export interface BenchOptions {
  readonly quick: boolean;
  /** A folder with docs.jsonl, queries.jsonl and qrels.tsv, for the bench of documents. */
  readonly collection?: string | undefined;
}

export type Bench = (options: BenchOptions) => Promise<Row[]>;

const HEAD = ['what', 'measured', 'baseline', 'ratio / target', 'verdict'];

const cells = ({ what, measured, baseline, target, ok }: Row): string[] => [
  what,
  measured,
  baseline,
  target,
  ok === undefined ? '' : ok ? 'ok' : 'over',
];

/** The rows as a Markdown table with aligned columns. */
export const tableOf = (rows: readonly Row[]): string => {
  const lines = [HEAD, ...rows.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const text = (line: readonly string[]): string =>
    `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [text(HEAD), rule, ...rows.map((row) => text(cells(row)))].join('\n');
};
