import type { Exchange, Visitor } from '../../chat/ports.ts';
import { exchangeOf } from './records.ts';
import { bytesOf, giveBack, type Kept, Slabs, textOf } from './slabs.ts';

/** The key of conversations.json under which all anonymous exchanges stand. */
export const ANONYMOUS = 'anonymous';

/** One exchange in memory: its JSON in one line, as it stands in the file, and what finds it. */
export interface Entry extends Kept {
  slab: Buffer;
  at: number;
  readonly id: string;
  /** Grows with arrival, over all visitors. */
  readonly seq: number;
  /** Seconds since 1970. */
  readonly timestamp: number;
  /** The timestamp, or that of an earlier one in the lane where it is later: it never falls in a lane. */
  readonly time: number;
  readonly lane: Lane;
  /** The lane of the anonymous session, if there is one. */
  readonly session: Lane | undefined;
}

/** Exchanges of one key, by `time`, those of one time in order of arrival. */
export interface Lane {
  readonly key: string;
  entries: Entry[];
}

/** What is needed to add the newest exchange. */
export interface Draft {
  readonly id: string;
  readonly key: string;
  readonly session: string | undefined;
  readonly timestamp: number;
  /** In one line. */
  readonly json: string | Uint8Array;
}

/** What is needed to add an exchange that another log has kept. */
export interface OlderDraft extends Draft {
  /** The latest timestamp of it and those before it in that log, under its key. */
  readonly time: number;
}

const FRAME_BYTES = '{\n}\n'.length;
const ENTRY_FRAME_BYTES = ',\n'.length;
const laneBytes = (key: string): number => Buffer.byteLength(JSON.stringify(key)) + ',\n: [\n]'.length;

const laneOf = (lanes: Map<string, Lane>, key: string): Lane => {
  const found = lanes.get(key);
  if (found) return found;
  const lane: Lane = { key, entries: [] };
  lanes.set(key, lane);
  return lane;
};

type Place = Pick<Entry, 'time' | 'seq'>;
const compare = (a: Place, b: Place): number => a.time - b.time || a.seq - b.seq;

/** The place in the lane of the first entry that does not come before this one. */
const placeOf = ({ entries }: Lane, one: Place): number => {
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

const insert = (lane: Lane, entry: Entry): void => {
  const last = lane.entries.at(-1);
  if (!last || compare(last, entry) < 0) lane.entries.push(entry);
  else lane.entries.splice(placeOf(lane, entry), 0, entry);
};

/** The live log in memory: what conversations.json holds, with an index by visitor, by id and by arrival. */
export class LiveLog {
  /** By key of the file. Maps, because `__proto__` and numbers are keys like any. */
  readonly #lanes = new Map<string, Lane>();
  readonly #sessions = new Map<string, Lane>();
  /** Oldest first, unless `#mixed`: a Map keeps the order. */
  #byId = new Map<string, Entry>();
  #slabs = new Slabs();
  #mixed = false;
  #scattered = false;
  #nextSeq = 0;
  #bytes = FRAME_BYTES;
  #version = 0;

  /** Bytes that the file takes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Changes whenever the content does. */
  get version(): number {
    return this.#version;
  }

  /** Exchanges that arrive from now on have this number or a higher one. */
  get nextSeq(): number {
    return this.#nextSeq;
  }

  get size(): number {
    return this.#byId.size;
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  get(id: string): Entry | undefined {
    return this.#byId.get(id);
  }

  lanes(): Iterable<Lane> {
    return this.#lanes.values();
  }

  /** All exchanges, by time and arrival. */
  oldestFirst(): Iterable<Entry> {
    if (this.#mixed) {
      const entries = [...this.#byId.values()].sort(compare);
      this.#byId = new Map(entries.map((entry) => [entry.id, entry]));
      this.#mixed = false;
    }
    return this.#byId.values();
  }

  /**
   * Puts the texts in a row, where the older ones of another log came in between: those that leave next, the
   * oldest, then lie in the same slabs, and what has left takes no memory any more. Nobody may be at work with
   * the texts' bytes meanwhile.
   */
  gather(): void {
    if (!this.#scattered) return;
    const old = new Set<Buffer>();
    this.#slabs = new Slabs();
    for (const entry of this.oldestFirst()) {
      const { slab, at } = this.#slabs.keep(bytesOf(entry));
      old.add(entry.slab);
      entry.slab = slab;
      entry.at = at;
    }
    for (const slab of old) giveBack(slab);
    this.#scattered = false;
  }

  /** Makes room for a key, so that keys stay in the order of the file they came from. */
  openLane(key: string): Lane {
    if (!this.#lanes.has(key)) this.#bytes += laneBytes(key);
    return laneOf(this.#lanes, key);
  }

  /** Adds the newest exchange; one whose id is there already is ignored. */
  add(draft: Draft): void {
    const latest = this.#lanes.get(draft.key)?.entries.at(-1)?.time ?? Number.NEGATIVE_INFINITY;
    this.#add({ ...draft, time: Math.max(draft.timestamp, latest) });
  }

  /** Adds an exchange at its place among those of its key; one whose id is there already is ignored. */
  addOlder(draft: OlderDraft): void {
    this.#add(draft);
    this.#mixed = true;
    this.#scattered = true;
  }

  #add(draft: OlderDraft): void {
    if (this.#byId.has(draft.id)) return;
    const lane = this.openLane(draft.key);
    const session =
      draft.key === ANONYMOUS && draft.session !== undefined
        ? laneOf(this.#sessions, draft.session)
        : undefined;
    const { id, timestamp, time } = draft;
    const { slab, at, bytes } = this.#slabs.keep(draft.json);
    const entry: Entry = { id, seq: this.#nextSeq++, timestamp, time, slab, at, bytes, lane, session };
    this.#byId.set(id, entry);
    insert(lane, entry);
    if (session) insert(session, entry);
    this.#bytes += bytes + ENTRY_FRAME_BYTES;
    this.#version++;
  }

  /**
   * Removes exchanges; ids that are not there are passed over.
   * @returns The visitors who have no exchange left.
   */
  remove(ids: Iterable<string>): Visitor[] {
    const removed = new Set<Entry>();
    const touched = new Set<Lane>();
    for (const id of ids) {
      const entry = this.#byId.get(id);
      if (!entry) continue;
      this.#byId.delete(id);
      this.#bytes -= entry.bytes + ENTRY_FRAME_BYTES;
      removed.add(entry);
      touched.add(entry.lane);
      if (entry.session) touched.add(entry.session);
    }
    if (removed.size > 0) this.#version++;
    const gone: Visitor[] = [];
    for (const lane of touched) {
      lane.entries = lane.entries.filter((entry) => !removed.has(entry));
      if (lane.entries.length === 0) gone.push(...this.#close(lane));
    }
    return gone;
  }

  /** Takes an empty lane away and names the visitor whose it was; the file's anonymous lane is nobody's. */
  #close(lane: Lane): Visitor[] {
    if (this.#sessions.get(lane.key) === lane) {
      this.#sessions.delete(lane.key);
      return [{ kind: 'anonymous', id: lane.key }];
    }
    this.#lanes.delete(lane.key);
    this.#bytes -= laneBytes(lane.key);
    return lane.key === ANONYMOUS ? [] : [{ kind: 'user', id: lane.key }];
  }

  /** A visitor's exchanges, newest first; takes time by `limit`, not by how many there are. */
  recent(visitor: Visitor, page: { limit: number; before?: string }): Exchange[] {
    const lane = visitor.kind === 'user' ? this.#userLane(visitor.id) : this.#sessions.get(visitor.id);
    if (!lane) return [];
    const { entries } = lane;
    let end = entries.length;
    if (page.before !== undefined) {
      const before = this.#byId.get(page.before);
      // Not (or no longer) in this visitor's live log: nothing that is there is older.
      if (before?.lane !== lane && before?.session !== lane) return [];
      end = placeOf(lane, before);
    }
    const found = entries.slice(Math.max(0, end - page.limit), end).reverse();
    return found.map((entry) => exchangeOf(visitor, entry.id, textOf(entry)));
  }

  #userLane(id: string): Lane | undefined {
    return id === ANONYMOUS ? undefined : this.#lanes.get(id);
  }
}
