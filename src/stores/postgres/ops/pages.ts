import type { Cursor, Page, PageRequest } from '../../../ops/ops-port.ts';
import type { Sql } from '../driver.ts';
import type { Fragment } from './filter.ts';

/** The place of an exchange in the order of times; `seq` tells those of one moment apart. */
export interface Place {
  readonly at: number;
  readonly seq: number;
}

export const cursorOf = ({ at, seq }: Place): Cursor => `${at}_${seq}`;

/** The place that a cursor stands for; undefined where it is none of ours. */
const placeOf = (cursor: Cursor): Place | undefined => {
  const match = /^(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)_(\d{1,19})$/.exec(cursor);
  return match ? { at: Number(match[1]), seq: Number(match[2]) } : undefined;
};

/** How the rows of a page are read. */
export interface Reading {
  /** Whether they are read from old to new. */
  readonly isUp: boolean;
  /** What the places of the rows must meet. */
  readonly condition: Fragment;
  readonly order: Fragment;
  /** One more than the page holds: it tells whether the page is the last one. */
  readonly limit: number;
}

/** @param alias The exchange whose place counts. */
export const readingOf = (sql: Sql, request: PageRequest, alias: string): Reading => {
  const { before, after, order = 'newest' } = request;
  const isUp = after !== undefined || (before === undefined && order === 'oldest');
  const cursor = after ?? before;
  const place = cursor === undefined ? undefined : placeOf(cursor);
  const e = sql(alias);
  const condition =
    cursor === undefined
      ? sql`true`
      : place === undefined
        ? sql`false`
        : isUp
          ? sql`(${e}.at, ${e}.seq) > (${place.at}::float8, ${place.seq}::bigint)`
          : sql`(${e}.at, ${e}.seq) < (${place.at}::float8, ${place.seq}::bigint)`;
  return {
    isUp,
    condition,
    order: isUp ? sql`${e}.at, ${e}.seq` : sql`${e}.at desc, ${e}.seq desc`,
    limit: request.limit + 1,
  };
};

/** The page of rows that were read as {@link readingOf} says. Where it was asked from, there are rows, too. */
export const pageOf = <Row>(found: readonly Row[], request: PageRequest, isUp: boolean): Page<Row> => {
  const hasMore = found.length > request.limit;
  const hasCursor = request.before !== undefined || request.after !== undefined;
  const rows = found.slice(0, request.limit);
  const isOldestFirst = request.order === 'oldest';
  return {
    rows: isUp === isOldestFirst ? rows : rows.toReversed(),
    hasOlder: isUp ? hasCursor : hasMore,
    hasNewer: isUp ? hasMore : hasCursor,
  };
};
