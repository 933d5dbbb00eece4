import {
  type AcceptedMessage,
  type Exchange,
  type UpstreamThread,
  type Visitor,
  visitorKey,
  visitorOf,
} from '../../chat/model.ts';
import { exchangeOf, logKey } from '../../log-file/log-fields.ts';
import { storedExchange } from '../../log-file/stored-exchange.ts';
import { IdempotencyKeys } from './idempotency-keys.ts';
import type { Draft, OlderDraft } from './lanes.ts';
import { LiveLog } from './live-log.ts';
import type { ArchiveIntent, Erasure, JournalRecord } from './records.ts';
import { textOf } from './slabs.ts';
import type { State } from './state-file.ts';

/** Days whose counts are kept: the budget asks for today, ops may look back a little. */
const KEPT_DAYS = 7;

/** Facts that are remembered; beyond, the one that was set longest ago is forgotten. */
const MAX_FACTS = 1000;

/** Ended tokens that are remembered; beyond, those that ended longest ago are forgotten: memory is bounded. */
const MAX_ENDED = 100_000;
/** Tokens that end between two looks for those that may be forgotten. */
const FORGET_EVERY = 256;

/** What finds an exchange, beside its visitor. */
type Facts = Pick<Draft, 'id' | 'name' | 'cleared' | 'timestamp'>;

const fileNames = ({ files }: ArchiveIntent): string => files.map(({ name }) => name).join();

/** All that the store knows, in memory. Reading is from here alone; files and journal make it last. */
export class Memory {
  log = new LiveLog();
  readonly taken = new Map<string, AcceptedMessage>();
  readonly threads = new Map<string, UpstreamThread>();
  readonly days = new Map<string, number>();
  readonly facts = new Map<string, string>();
  readonly vouched = new Set<string>();
  readonly ended = new Map<string, number>();
  readonly keys = new IdempotencyKeys();
  /** Archive files that were promised in the journal and are not known to be complete. */
  archiving: ArchiveIntent[] = [];
  /** What was promised to go from the archive and is not known to be gone. */
  erasing: Erasure[] = [];

  /** Takes what the last snapshot holds. */
  load(log: LiveLog, state: State): void {
    this.log = log;
    for (const message of state.taken) if (!log.has(message.id)) this.taken.set(message.id, message);
    for (const [visitor, thread] of state.threads) this.threads.set(visitor, thread);
    for (const [day, count] of state.days) this.count(day, count);
    for (const [name, value] of state.facts) this.setFact(name, value);
    for (const id of state.vouched) this.vouched.add(id);
    for (const [token, until] of state.ended) this.ended.set(token, until);
    for (const entry of state.keys) this.keys.add(...entry);
    this.archiving = [...state.archiving];
    this.erasing = [...state.erasing];
  }

  /** Applies a line of the journal; the same one twice does no harm. */
  apply(record: JournalRecord): void {
    switch (record.type) {
      case 'part':
        break;
      case 'accepted':
        this.addTaken(record.message);
        break;
      case 'exchange': {
        this.add(record.visitor, record.exchange, JSON.stringify(record.exchange));
        break;
      }
      case 'imported': {
        const { raw, id, timestamp, session, name, cleared } = record.exchange;
        const { key, time } = record;
        this.addOlder({ key, id, timestamp, time, session, name, cleared, json: JSON.stringify(raw) });
        break;
      }
      case 'thread':
        this.setThread(record.visitor, record.thread ?? undefined);
        break;
      case 'fact':
        this.setFact(record.name, record.value);
        break;
      case 'day':
        this.count(record.day, record.count);
        break;
      case 'cleared':
        this.clear(record.ids, record.keep);
        break;
      case 'erase':
        this.erasing.push(record.erasure);
        break;
      case 'vouched':
        this.vouched.add(record.id);
        break;
      case 'ended':
        this.ended.set(record.token, record.until);
        break;
      case 'dropped':
        for (const id of record.ids) this.taken.delete(id);
        break;
      case 'archive':
        if (!this.archiving.some((known) => fileNames(known) === fileNames(record.intent))) {
          this.archiving.push(record.intent);
        }
        break;
    }
  }

  /** Adds a message that was taken; one that is finished already counts for its key alone. */
  addTaken(message: AcceptedMessage): void {
    const { id, key, timestamp } = message;
    if (!this.log.has(id)) this.taken.set(id, message);
    if (key !== undefined) this.keys.add(key, id, timestamp);
  }

  /** Takes back a message that could not be written. */
  removeTaken({ id, key }: AcceptedMessage): void {
    this.taken.delete(id);
    if (key !== undefined) this.keys.forget(key, id);
  }

  /** Adds an exchange; its message is then no longer an unfinished one. */
  add(visitor: Visitor, { id, name, cleared, timestamp }: Facts, json: string): void {
    const session = visitor.kind === 'anonymous' ? visitor.id : undefined;
    const verified = visitor.kind === 'verified';
    this.log.add({ id, key: logKey(visitor), session, name, verified, cleared, timestamp, json });
    this.taken.delete(id);
  }

  /** Takes exchanges from their visitor; `keep`: they stay in the log. */
  clear(ids: readonly string[], keep: boolean): void {
    if (keep) this.log.clear(ids);
    else this.log.remove(ids);
  }

  /** Remembers that a token has ended. @param now Seconds since 1970. */
  end(token: string, until: number, now: number): void {
    this.ended.set(token, until);
    if (this.ended.size % FORGET_EVERY !== 0) return;
    for (const [known, end] of this.ended) if (end <= now) this.ended.delete(known);
    for (const oldest of this.ended.keys()) {
      if (this.ended.size <= MAX_ENDED) break;
      this.ended.delete(oldest);
    }
  }

  /** Adds an exchange that another log has kept. */
  addOlder(draft: OlderDraft): void {
    this.log.addOlder(draft);
    this.taken.delete(draft.id);
  }

  /** An exchange of the live log and whose it is; what was cleared, or logged as anonymous by an older system, is nobody's. */
  exchange(id: string): Exchange | undefined {
    const entry = this.log.get(id);
    return (
      entry?.own && exchangeOf(visitorOf(entry.own.key), id, storedExchange.parse(JSON.parse(textOf(entry))))
    );
  }

  setThread(visitor: Visitor, thread: UpstreamThread | undefined): void {
    if (thread) this.threads.set(visitorKey(visitor), thread);
    else this.threads.delete(visitorKey(visitor));
  }

  /** Sets a fact; an empty one is forgotten. */
  setFact(name: string, value: string): void {
    // A Map keeps the order in which keys came: now this one is the last.
    this.facts.delete(name);
    if (value !== '') this.facts.set(name, value);
    for (const oldest of this.facts.keys()) {
      if (this.facts.size <= MAX_FACTS) break;
      this.facts.delete(oldest);
    }
  }

  /** Sets a day's count; a count never goes back. */
  count(day: string, count: number): void {
    this.days.set(day, Math.max(count, this.days.get(day) ?? 0));
    for (const oldest of this.days.keys()) {
      if (this.days.size <= KEPT_DAYS) break;
      this.days.delete(oldest);
    }
  }

  /** Removes archived exchanges, and the threads of visitors of whom nothing is left. */
  removeArchived(ids: Iterable<string>): void {
    const gone = new Set(this.log.remove(ids));
    // Someone who is being answered right now will need the thread.
    for (const { visitor } of this.taken.values()) gone.delete(visitorKey(visitor));
    for (const key of gone) this.threads.delete(key);
  }
}
