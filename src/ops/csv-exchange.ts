/** An exchange as a row of CSV, and back. */

import { textOfCell } from './csv.ts';
import type { OpsExchange } from './ops-port.ts';

/** Between the parts of a cell that is a list. */
const PART = '; ';

export const COLUMNS = {
  id: ({ id }) => id,
  time: ({ timestamp }) => timeOf(timestamp),
  kind: ({ visitor }) => visitor.kind,
  visitor: ({ visitor }) => visitor.id,
  name: ({ name }) => name,
  message: ({ user }) => user,
  answer: ({ bot }) => bot ?? undefined,
  error: ({ error }) => error,
  truncated: ({ truncated }) => truncated && 'true',
  unanswered: ({ unanswered }) => unanswered && 'true',
  flagged: ({ flagged }) => flagged?.join(PART),
  rating: ({ feedback }) => feedback?.rating,
  comment: ({ feedback }) => feedback?.comment,
  tokens_in: ({ usage }) => usage?.input,
  tokens_out: ({ usage }) => usage?.output,
  queued_ms: ({ run }) => run?.queuedMs,
  first_word_ms: ({ run }) => run?.firstWordMs,
  total_ms: ({ run }) => run?.totalMs,
  backend: ({ run }) => run?.backend,
  model: ({ run }) => run?.model,
  tools: ({ run }) => run?.tools?.join(PART),
  sources: ({ sources }) =>
    sources?.map(({ n, title, url }) => `[${n}] ${title}${url === undefined ? '' : ` ${url}`}`).join(PART),
  source_places: ({ sources }) =>
    sources
      ?.filter(({ place }) => place !== undefined)
      .map(({ n, place }) => `[${n}] ${place}`)
      .join(PART),
  cleared: ({ cleared }) => cleared && 'true',
} satisfies Record<string, (exchange: OpsExchange) => string | number | undefined>;

type Column = keyof typeof COLUMNS;

/** Finer than a millisecond only where the time is. */
const timeOf = (timestamp: number): string => {
  const date = new Date(timestamp * 1000);
  if (Number.isNaN(date.getTime())) return '';
  const iso = date.toISOString();
  const fraction = /\.(\d{4,})$/.exec(String(timestamp))?.[1];
  return fraction === undefined
    ? iso
    : `${new Date(Math.floor(timestamp) * 1000).toISOString().slice(0, -4)}${fraction}Z`;
};

/** Cells by their columns' names; a cell with nothing in it, not even quotes, is undefined. */
export type CsvRow = Readonly<Record<string, string | undefined>>;

/** Whether these are columns of an export, as far as an exchange needs them. */
export const areColumns = (names: readonly string[]): boolean =>
  (['visitor', 'time', 'message', 'answer'] satisfies Column[]).every((name) => names.includes(name));

/** The texts of a list whose parts begin with `[n] `, by their numbers. */
const numbered = (cell: string): Map<number, string> =>
  new Map(
    cell
      .split(/; (?=\[\d+\] )/)
      .map((part) => /^\[(\d+)\] (.*)$/s.exec(part))
      .map((match) => [Number(match?.[1]), match?.[2] ?? '']),
  );

const sourcesOf = (cell: string, places: string | undefined): unknown[] => {
  const placeOf = numbered(places ?? '');
  return [...numbered(cell)].map(([n, text]) => {
    const [, title, url] = /^(.*?)(?: (https?:\/\/\S+))?$/s.exec(text) ?? [];
    return { n, title, url, place: placeOf.get(n) };
  });
};

/** The exchange of a row, as a line of JSONL has it. What a cell has that is none is left for the reader to judge. */
export const exchangeInRow = (row: CsvRow): object => {
  const text = (column: Column): string | undefined => {
    const cell = row[column];
    return cell === undefined ? undefined : textOfCell(cell);
  };
  /** undefined where there is nothing in it. */
  const filled = (column: Column): string | undefined => text(column) || undefined;
  const numeral = (column: Column): number | undefined =>
    filled(column) === undefined ? undefined : Number(filled(column));
  const mark = (column: Column): true | undefined => filled(column)?.toLowerCase() === 'true' || undefined;
  const [input, output, totalMs] = [numeral('tokens_in'), numeral('tokens_out'), numeral('total_ms')];
  const [rating, backend, sources] = [filled('rating'), filled('backend'), filled('sources')];
  const isWhole = filled('error') === undefined && mark('truncated');
  return {
    id: filled('id'),
    visitor: { kind: filled('kind') ?? 'user', id: text('visitor') ?? '' },
    name: text('name'),
    user: text('message') ?? '',
    // A spreadsheet leaves the quotes of an empty answer out.
    bot: text('answer') ?? (isWhole ? '' : null),
    timestamp: filled('time'),
    error: filled('error'),
    truncated: mark('truncated'),
    unanswered: mark('unanswered'),
    flagged: filled('flagged')?.split(PART),
    feedback: rating && { rating, comment: text('comment') },
    usage: input !== undefined && output !== undefined ? { input, output } : undefined,
    run:
      backend === undefined || totalMs === undefined
        ? undefined
        : {
            ...{ backend, model: text('model'), totalMs, queuedMs: numeral('queued_ms') },
            ...{ firstWordMs: numeral('first_word_ms'), tools: filled('tools')?.split(PART) },
          },
    sources: sources && sourcesOf(sources, filled('source_places')),
    cleared: mark('cleared'),
  };
};
