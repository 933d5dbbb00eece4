import type { Kept } from './slabs.ts';

/** One exchange in memory: its JSON in one line, as it stands in the file, and what finds it. */
export interface Entry extends Kept {
  slab: Buffer;
  at: number;
  bytes: number;
  readonly id: string;
  /** Grows with arrival, over all visitors. */
  readonly seq: number;
  /** Seconds since 1970. */
  readonly timestamp: number;
  /** The timestamp, or that of an earlier one in the lane where it is later: it never falls in a lane. */
  readonly time: number;
  /** What its visitor called itself. */
  readonly name: string | undefined;
  /** Where it stands in the file. */
  readonly lane: Lane;
  /** Whose it is; undefined: nobody's, as what was cleared, or what an older log has as anonymous. */
  own: Lane | undefined;
}

/** Exchanges of one key of the file, or of one visitor, by `time`, those of one time in order of arrival. */
export interface Lane {
  readonly key: string;
  entries: Entry[];
}

/** What is needed to add the newest exchange. */
export interface Draft {
  readonly id: string;
  readonly key: string;
  readonly session: string | undefined;
  /** What the visitor called itself. */
  readonly name?: string | undefined;
  /** The site vouched for the visitor. */
  readonly verified?: boolean | undefined;
  /** The visitor cleared it: it is kept in the log and told to nobody. */
  readonly cleared?: boolean | undefined;
  readonly timestamp: number;
  /** In one line. */
  readonly json: string | Uint8Array;
}

/** What is needed to add an exchange that another log has kept. */
export interface OlderDraft extends Draft {
  /** The latest timestamp of it and those before it in that log, under its key. */
  readonly time: number;
}

/** The lane of a key; a new one if there is none. */
export const laneOf = (lanes: Map<string, Lane>, key: string): Lane => {
  const found = lanes.get(key);
  if (found) return found;
  const lane: Lane = { key, entries: [] };
  lanes.set(key, lane);
  return lane;
};

type Place = Pick<Entry, 'time' | 'seq'>;

/** By time, then by arrival. */
export const compare = (a: Place, b: Place): number => a.time - b.time || a.seq - b.seq;

/** The place in the lane of the first entry that does not come before this one. */
export const placeOf = ({ entries }: Lane, one: Place): number => {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = entries[middle];
    if (other && compare(other, one) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** Puts an entry at its place in the lane. */
export const insert = (lane: Lane, entry: Entry): void => {
  const last = lane.entries.at(-1);
  if (!last || compare(last, entry) < 0) lane.entries.push(entry);
  else lane.entries.splice(placeOf(lane, entry), 0, entry);
};
