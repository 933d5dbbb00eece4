import { type Exchange, type Visitor, visitorKey } from '../../chat/model.ts';
import { exchangeOf, ownerOf } from '../../log-file/log-fields.ts';
import { storedExchange } from '../../log-file/stored-exchange.ts';
import {
  compare,
  type Draft,
  type Entry,
  insert,
  type Lane,
  laneOf,
  type OlderDraft,
  placeOf,
} from './lanes.ts';
import { withClearedMark } from './records.ts';
import { bytesOf, giveBack, Slabs, textOf } from './slabs.ts';

const FRAME_BYTES = '{\n}\n'.length;
const ENTRY_FRAME_BYTES = ',\n'.length;
const laneBytes = (key: string): number => Buffer.byteLength(JSON.stringify(key)) + ',\n: [\n]'.length;

/** The live log in memory: what conversations.json holds, with an index by visitor, by id and by arrival. */
export class LiveLog {
  /** By key of the file. Maps, because `__proto__` and numbers are keys like any. */
  readonly #lanes = new Map<string, Lane>();
  /** By visitorKey: of one key of the file there may be several visitors' exchanges, and nobody's. */
  readonly #visitors = new Map<string, Lane>();
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
    const owner = ownerOf(draft.key, draft);
    const own = owner && laneOf(this.#visitors, visitorKey(owner));
    const { id, timestamp, time, name } = draft;
    const { slab, at, bytes } = this.#slabs.keep(draft.json);
    const entry: Entry = { id, seq: this.#nextSeq++, timestamp, time, name, slab, at, bytes, lane, own };
    this.#byId.set(id, entry);
    insert(lane, entry);
    if (own) insert(own, entry);
    this.#bytes += bytes + ENTRY_FRAME_BYTES;
    this.#version++;
  }

  /**
   * Removes exchanges; ids that are not there are passed over.
   * @returns The visitorKeys of those who have no exchange left.
   */
  remove(ids: Iterable<string>): string[] {
    const removed = new Set<Entry>();
    const touched = new Set<Lane>();
    for (const id of ids) {
      const entry = this.#byId.get(id);
      if (!entry) continue;
      this.#byId.delete(id);
      this.#bytes -= entry.bytes + ENTRY_FRAME_BYTES;
      removed.add(entry);
      touched.add(entry.lane);
      if (entry.own) touched.add(entry.own);
    }
    if (removed.size > 0) this.#version++;
    return this.#takeOut(removed, touched);
  }

  /** Keeps exchanges, marked, and gives them to nobody any more; ids that are not there are passed over. */
  clear(ids: Iterable<string>): void {
    const cleared = new Set<Entry>();
    const touched = new Set<Lane>();
    for (const id of ids) {
      const entry = this.#byId.get(id);
      if (!entry?.own) continue;
      touched.add(entry.own);
      cleared.add(entry);
      entry.own = undefined;
      const { slab, at, bytes } = this.#slabs.keep(withClearedMark(textOf(entry)));
      this.#bytes += bytes - entry.bytes;
      entry.slab = slab;
      entry.at = at;
      entry.bytes = bytes;
      this.#scattered = true;
    }
    if (cleared.size > 0) this.#version++;
    this.#takeOut(cleared, touched);
  }

  #takeOut(entries: ReadonlySet<Entry>, lanes: Iterable<Lane>): string[] {
    const gone: string[] = [];
    for (const lane of lanes) {
      lane.entries = lane.entries.filter((entry) => !entries.has(entry));
      if (lane.entries.length > 0) continue;
      if (this.#visitors.get(lane.key) === lane) {
        this.#visitors.delete(lane.key);
        gone.push(lane.key);
      } else {
        this.#lanes.delete(lane.key);
        this.#bytes -= laneBytes(lane.key);
      }
    }
    return gone;
  }

  /** A visitor's exchanges, newest first; takes time by `limit`, not by how many there are. */
  recent(visitor: Visitor, page: { limit: number; before?: string }): Exchange[] {
    const lane = this.#visitors.get(visitorKey(visitor));
    if (!lane) return [];
    const { entries } = lane;
    let end = entries.length;
    if (page.before !== undefined) {
      const before = this.#byId.get(page.before);
      // Not (or no longer) in this visitor's live log: nothing that is there is older.
      if (before?.own !== lane) return [];
      end = placeOf(lane, before);
    }
    const found = entries.slice(Math.max(0, end - page.limit), end).reverse();
    return found.map((entry) =>
      exchangeOf(visitor, entry.id, storedExchange.parse(JSON.parse(textOf(entry)))),
    );
  }

  /** The ids of all of a visitor's exchanges, oldest first. */
  idsOf(visitor: Visitor): string[] {
    return this.#visitors.get(visitorKey(visitor))?.entries.map(({ id }) => id) ?? [];
  }

  /** Each visitor's last exchange, how many there are of them, and what it last called itself. */
  *visitors(): Generator<{ key: string; count: number; last: Entry; name: string | undefined }> {
    for (const { key, entries } of this.#visitors.values()) {
      const last = entries.at(-1);
      if (!last) continue;
      const { name } = entries.findLast((entry) => entry.name !== undefined) ?? last;
      yield { key, count: entries.length, last, name };
    }
  }
}
