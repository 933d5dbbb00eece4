import type { Cursor, Page, PageRequest } from './ops-port.ts';

/** The position of an exchange in the order of times; `seq` tells those of one moment apart. */
export interface Position {
  readonly at: number;
  readonly seq: number;
}

export const cursorOf = ({ at, seq }: Position): Cursor => `${at}_${seq}`;

const positionOf = (cursor: Cursor): Position | undefined => {
  const [, at, seq] = /^(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)_(\d{1,16})$/.exec(cursor) ?? [];
  return at === undefined ? undefined : { at: Number(at), seq: Number(seq) };
};

/** How the rows of a page are read, with keyset paging. */
export interface PageReading {
  /** Rows come after this position, in the direction of reading; undefined: from the end. A bad cursor is ignored. */
  readonly from: Position | undefined;
  /** Whether they are read from new to old. */
  readonly isDescending: boolean;
  /** One more than the page holds: it tells whether the page is the last one. */
  readonly limit: number;
  /** The page of the rows that were read so, in the order that was asked for. */
  page<Row>(found: readonly Row[]): Page<Row>;
}

export const pageReading = ({ before, after, limit, order = 'newest' }: PageRequest): PageReading => {
  const from = positionOf(before ?? after ?? '');
  const isDescending = from ? before !== undefined : order === 'newest';
  return {
    from,
    isDescending,
    limit: limit + 1,
    page(found) {
      const rows = found.slice(0, limit);
      const hasMore = found.length > limit;
      // Where the cursor comes from, there are rows, too.
      const hasBehind = from !== undefined;
      return {
        rows: isDescending === (order === 'newest') ? rows : rows.toReversed(),
        hasOlder: isDescending ? hasMore : hasBehind,
        hasNewer: isDescending ? hasBehind : hasMore,
      };
    },
  };
};
