import { hash } from 'node:crypto';
import { CompactNumbers } from '../../log-file/compact-numbers.ts';
import type { LogLine } from '../../log-file/log-row.ts';
import type { MovedFacts } from '../../log-file/moving-store.ts';

const BITS = 128;

/** For JSON.stringify: an object's names in one order, as each store gives them in its own; what is undefined is absent. */
const inOrder = (_name: string, value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.entries(value)
        .filter(([, part]) => part !== undefined)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
    : value;

/** How many there are of a kind, and a checksum of them that does not depend on the order in which they come. */
class Checked {
  count = 0;
  #sum = 0n;

  add(...what: readonly unknown[]): void {
    const digest = hash('sha256', JSON.stringify(what, inOrder)).slice(0, BITS / 4);
    this.#sum = BigInt.asUintN(BITS, this.#sum + BigInt(`0x${digest}`));
    this.count++;
  }

  get checksum(): string {
    return this.#sum.toString(16).padStart(BITS / 4, '0');
  }
}

const KINDS = ['exchanges', 'threads', 'keys', 'verified', 'ended', 'facts', 'days'] as const;
type Kind = (typeof KINDS)[number];

/** One line of a summary. */
export interface SummaryLine {
  readonly kind: Kind;
  readonly count: number;
  readonly checksum: string;
}

/** What a store holds, in counts and checksums; the order of each key's exchanges is part of it. */
export class Summary {
  readonly #kinds: Readonly<Record<Kind, Checked>> = {
    exchanges: new Checked(),
    threads: new Checked(),
    keys: new Checked(),
    verified: new Checked(),
    ended: new Checked(),
    facts: new Checked(),
    days: new Checked(),
  };
  readonly #places = new CompactNumbers();
  #bytes = 0;

  /** Bytes of all exchanges in one line each. */
  get bytes(): number {
    return this.#bytes;
  }

  get exchanges(): number {
    return this.#kinds.exchanges.count;
  }

  /** @param json The line, where it is at hand. */
  addLine({ key, fields }: LogLine, json = JSON.stringify(fields)): void {
    const place = this.#places.get(key) ?? 0;
    this.#places.set(key, place + 1);
    const named = Object.entries(fields).filter(([, value]) => value !== undefined);
    named.sort(([a], [b]) => (a < b ? -1 : 1));
    this.#kinds.exchanges.add(key, place, named);
    this.#bytes += Buffer.byteLength(json);
  }

  addFacts({ threads, keys, verified, ended, facts, days }: MovedFacts): void {
    for (const [visitor, { id, madeBy }] of threads) this.#kinds.threads.add(visitor, id, madeBy);
    for (const [key, { id, timestamp }] of keys) this.#kinds.keys.add(key, id, timestamp);
    for (const id of verified) this.#kinds.verified.add(id);
    for (const [token, until] of ended) this.#kinds.ended.add(token, until);
    for (const [name, value] of facts) this.#kinds.facts.add(name, value);
    for (const [day, count] of days) this.#kinds.days.add(day, count);
  }

  lines(): SummaryLine[] {
    return KINDS.map((kind) => {
      const { count, checksum } = this.#kinds[kind];
      return { kind, count, checksum };
    });
  }

  /** Stands for all of it. */
  get digest(): string {
    return hash('sha256', JSON.stringify(this.lines())).slice(0, BITS / 4);
  }

  get isEmpty(): boolean {
    return this.lines().every(({ count }) => count === 0);
  }

  /** The kinds in which another one differs. */
  differences(other: Summary): Kind[] {
    const others = new Map(other.lines().map((line) => [line.kind, line]));
    return this.lines()
      .filter(({ kind, count, checksum }) => {
        const found = others.get(kind);
        return found?.count !== count || found.checksum !== checksum;
      })
      .map(({ kind }) => kind);
  }
}

/** For people. */
export const summaryText = (summary: Summary): string =>
  summary
    .lines()
    .map(
      ({ kind, count, checksum }) =>
        `  ${kind.padEnd(9)}${count.toLocaleString('en').padStart(14)}  ${checksum}`,
    )
    .join('\n');
