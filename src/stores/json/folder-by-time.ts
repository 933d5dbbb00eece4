import { closeSync, openSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { CompactNumbers } from './compact-numbers.ts';
import { ConversationsSyntaxError } from './find-conversations.ts';
import { type FolderExchange, filesOf, PAGE, Unique } from './folder-log.ts';
import { checked } from './log-file.ts';
import { openLogReader, syntaxFault } from './log-reader.ts';
import { Identities, olderId, rewritten } from './older-form.ts';
import type { StoredExchange } from './records.ts';
import { type Spot, Spots } from './spots.ts';

/** From here on a file's ids are remembered in a way that takes less memory, and more time. */
const LARGE_BYTES = 64 * 1024 * 1024;

/** Where each exchange stands in a file, in its order. @throws Error that names file and place of a fault. */
function* spotsIn(path: string): Generator<Spot> {
  const reader = openLogReader(path);
  const numbers = () => (reader.size > LARGE_BYTES ? new CompactNumbers() : new Map<string, number>());
  const identities = new Identities(numbers(), numbers());
  const latest = new Map<string, number>();
  try {
    // An empty file counts as a log without exchanges.
    if (reader.size === 0) return;
    for (const found of reader.pass()) {
      if (found.kind === 'list') continue;
      const { kind, key, json, at, end } = found;
      if (kind === 'stray') throw new ConversationsSyntaxError('expected "["', at);
      const index = identities.nextIndex(key);
      const { exchange } = checked(json, at, `exchange ${index + 1} of ${JSON.stringify(key)}`);
      const time = Math.max(exchange.timestamp, latest.get(key) ?? Number.NEGATIVE_INFINITY);
      latest.set(key, time);
      const isNamed = identities.idOf(key, index, exchange) === exchange.id;
      yield { key, index, at, bytes: end - at, time, isNamed };
    }
  } catch (error) {
    if (!(error instanceof ConversationsSyntaxError)) throw error;
    throw new Error(`The log ${path} is not valid: ${syntaxFault(reader, error)}`, { cause: error });
  } finally {
    reader.close();
  }
}

const idOf = ({ key, index, isNamed }: Spot, stored: StoredExchange): string =>
  isNamed && stored.id !== undefined ? stored.id : olderId(key, index, stored);

/** A file, and when the first of its exchanges was. */
interface Span {
  readonly path: string;
  /** Its place among the files. */
  readonly place: number;
  readonly from: number;
}

/** A file whose exchanges are taken one by one, by time. */
interface OpenFile {
  /** Its place among the files. */
  readonly place: number;
  /** The next one's time; undefined where none is left. */
  time(): number | undefined;
  /** @returns The exchange, and its line. */
  take(): readonly [FolderExchange, string];
  close(): void;
}

const openByTime = async ({ path, place }: Span): Promise<OpenFile> => {
  const spots = new Spots();
  for (const spot of spotsIn(path)) {
    spots.add(spot);
    if (spots.size % PAGE === 0) await setImmediate();
  }
  const order = spots.byTime();
  const file = openSync(path, 'r');
  let next = 0;
  let soonest = spots.get(order[next] ?? Number.POSITIVE_INFINITY);
  return {
    place,
    time: () => soonest?.time,
    take() {
      const spot = soonest;
      soonest = spots.get(order[++next] ?? Number.POSITIVE_INFINITY);
      if (!spot) throw new Error(`${path} has no more exchanges`);
      const bytes = Buffer.allocUnsafe(spot.bytes);
      readSync(file, bytes, 0, spot.bytes, spot.at);
      const json = bytes.toString();
      const { exchange: stored, raw } = checked(json, spot.at, `an exchange of ${path}`);
      const id = idOf(spot, stored);
      const text = rewritten(json, id, stored, raw);
      const fields = text === undefined ? { ...raw } : { ...checked(text, spot.at, path).raw };
      return [{ key: spot.key, id, fields, stored }, text ?? json];
    },
    close: () => closeSync(file),
  };
};

const spansOf = async (dir: string): Promise<Span[]> => {
  const spans: Span[] = [];
  for (const [place, path] of (await filesOf(dir)).entries()) {
    let from = Number.POSITIVE_INFINITY;
    let count = 0;
    for (const { time } of spotsIn(path)) {
      from = Math.min(from, time);
      if (++count % PAGE === 0) await setImmediate();
    }
    if (count > 0) spans.push({ path, place, from });
  }
  return spans.sort((a, b) => a.from - b.from);
};

/** Takes from the files whatever is the soonest; those of one time in the order of their files. */
async function* merged(spans: readonly Span[]): AsyncGenerator<readonly [FolderExchange, string]> {
  const waiting = [...spans];
  // Only files that overlap in time are open at once: seldom more than two.
  let open: OpenFile[] = [];
  try {
    for (;;) {
      const soonest = Math.min(...open.map((file) => file.time() ?? Number.POSITIVE_INFINITY));
      const next = waiting[0];
      if (next && next.from <= soonest) {
        waiting.shift();
        open.push(await openByTime(next));
        open.sort((a, b) => a.place - b.place);
        continue;
      }
      const file = open.find((one) => one.time() === soonest);
      if (!file) return;
      yield file.take();
      if (file.time() !== undefined) continue;
      file.close();
      open = open.filter((other) => other !== file);
    }
  } finally {
    for (const file of open) file.close();
  }
}

/** All exchanges of a folder's log, by time. */
export type ByTime = () => AsyncGenerator<FolderExchange[]>;

/**
 * Reads all that a data folder has logged, archive and live log, each exchange once: by time, whichever file it is in,
 * for an older log may have been imported when newer exchanges were in the archive already; but never against the order
 * in which those of one key stand in their file. In memory are where those of the files stand that are open, and of all
 * a few bytes each. Nothing may write to the folder meanwhile, and its journal must be empty: what is there is not read.
 * @returns What reads it, the same each time. It throws an Error that names file and place where one is not valid,
 * before the first page comes.
 */
export const readByTime = (dir: string): ByTime => {
  let spans: Promise<Span[]> | undefined;
  return async function* pages() {
    spans ??= spansOf(dir);
    const unique = new Unique();
    let page: FolderExchange[] = [];
    for await (const [exchange, text] of merged(await spans)) {
      const one = unique.add(exchange, text);
      if (one) page.push(one);
      if (page.length < PAGE) continue;
      yield page;
      page = [];
      await setImmediate();
    }
    if (page.length > 0) yield page;
  };
};
