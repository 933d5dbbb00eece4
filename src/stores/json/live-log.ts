import type { Exchange, Visitor } from '../../chat/ports.ts';
import { exchangeOf } from './records.ts';
import { type Kept, Slabs, textOf } from './slabs.ts';

/** The key of conversations.json under which all anonymous exchanges stand. */
export const ANONYMOUS = 'anonymous';

/** One exchange in memory: its JSON in one line, as it stands in the file, and what finds it. */
export interface Entry extends Kept {
  readonly id: string;
  /** Grows with arrival, over all visitors. */
  readonly seq: number;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly lane: Lane;
  /** The lane of the anonymous session, if there is one. */
  readonly session: Lane | undefined;
}

/** Exchanges of one key, in order of arrival. */
export interface Lane {
  readonly key: string;
  entries: Entry[];
}

/** What is needed to add an exchange. */
export interface Draft {
  readonly id: string;
  readonly key: string;
  readonly session: string | undefined;
  readonly timestamp: number;
  /** In one line. */
  readonly json: string | Uint8Array;
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

/** The place in the lane of the first entry that is not older than `seq`. */
const placeOf = ({ entries }: Lane, seq: number): number => {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle]?.seq ?? seq) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** The live log in memory: what conversations.json holds, with an index by visitor, by id and by arrival. */
export class LiveLog {
  /** By key of the file. Maps, because `__proto__` and numbers are keys like any. */
  readonly #lanes = new Map<string, Lane>();
  readonly #sessions = new Map<string, Lane>();
  /** In order of arrival: a Map keeps it. */
  readonly #byId = new Map<string, Entry>();
  readonly #slabs = new Slabs();
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

  /** All exchanges, the one that arrived first first. */
  oldestFirst(): Iterable<Entry> {
    return this.#byId.values();
  }

  /** Makes room for a key, so that keys stay in the order of the file they came from. */
  openLane(key: string): Lane {
    if (!this.#lanes.has(key)) this.#bytes += laneBytes(key);
    return laneOf(this.#lanes, key);
  }

  /** Adds the newest exchange; one whose id is there already is ignored. */
  add(draft: Draft): void {
    if (this.#byId.has(draft.id)) return;
    const lane = this.openLane(draft.key);
    const session =
      draft.key === ANONYMOUS && draft.session !== undefined
        ? laneOf(this.#sessions, draft.session)
        : undefined;
    const { id, timestamp } = draft;
    const { slab, at, bytes } = this.#slabs.keep(draft.json);
    const entry: Entry = { id, seq: this.#nextSeq++, timestamp, slab, at, bytes, lane, session };
    this.#byId.set(id, entry);
    lane.entries.push(entry);
    session?.entries.push(entry);
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
      end = placeOf(lane, before.seq);
    }
    const found = entries.slice(Math.max(0, end - page.limit), end).reverse();
    return found.map((entry) => exchangeOf(visitor, entry.id, textOf(entry)));
  }

  #userLane(id: string): Lane | undefined {
    return id === ANONYMOUS ? undefined : this.#lanes.get(id);
  }
}
