import { closeSync, openSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { CompactNumbers } from '../../log-file/compact-numbers.ts';
import { ConversationsSyntaxError } from '../../log-file/find-conversations.ts';
import { openLogReader, syntaxFault } from '../../log-file/log-reader.ts';
import { Identities, olderId, rewritten } from '../../log-file/older-form.ts';
import type { StoredExchange } from '../../log-file/stored-exchange.ts';
import { type FolderExchange, filesOf, PAGE, Unique } from './folder-log.ts';
import { checked } from './log-file.ts';
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
    for (const one of reader.pass()) {
      if (one.kind === 'list') continue;
      const { kind, key, json, at, end } = one;
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

/** A file, and where its exchanges stand. */
interface FoundFile {
  readonly path: string;
  /** Its place among the files. */
  readonly place: number;
  readonly spots: Spots;
  /** The places of its spots, by time. */
  readonly order: Uint32Array;
  /** When the first of its exchanges was. */
  readonly from: number;
}

const NONE = Number.POSITIVE_INFINITY;

/** The files that hold exchanges, by the time of their first. */
const findFiles = async (dir: string): Promise<FoundFile[]> => {
  const files: FoundFile[] = [];
  for (const [place, path] of (await filesOf(dir)).entries()) {
    const spots = new Spots();
    for (const spot of spotsIn(path)) {
      spots.add(spot);
      if (spots.size % PAGE === 0) await setImmediate();
    }
    const order = spots.byTime();
    const first = spots.get(order[0] ?? NONE);
    if (first) files.push({ path, place, spots, order, from: first.time });
  }
  return files.sort((a, b) => a.from - b.from);
};

/** A file whose exchanges are taken one by one, by time. */
interface OpenFile {
  readonly place: number;
  /** The next one's time; undefined where none is left. */
  time(): number | undefined;
  /** @returns The exchange, and its line. */
  take(): readonly [FolderExchange, string];
  close(): void;
}

const openByTime = ({ path, place, spots, order }: FoundFile): OpenFile => {
  const file = openSync(path, 'r');
  let next = 0;
  let soonest = spots.get(order[next] ?? NONE);
  return {
    place,
    time: () => soonest?.time,
    take() {
      const spot = soonest;
      soonest = spots.get(order[++next] ?? NONE);
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

/** Takes from the files whatever is the soonest; those of one time in the order of their files. */
function* merged(files: readonly FoundFile[]): Generator<readonly [FolderExchange, string]> {
  const waiting = [...files];
  // Only files that overlap in time are open at once: seldom more than two.
  let open: OpenFile[] = [];
  try {
    for (;;) {
      let file: OpenFile | undefined;
      for (const one of open) if ((one.time() ?? NONE) < (file?.time() ?? NONE)) file = one;
      const next = waiting[0];
      if (next && next.from <= (file?.time() ?? NONE)) {
        waiting.shift();
        open.push(openByTime(next));
        open.sort((a, b) => a.place - b.place);
        continue;
      }
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
 * in which those of one key stand in their file. In memory is only where each one stands, and the hash of its id, in some
 * hundred bytes. Nothing may write to the folder meanwhile, and its journal must be empty: what is there is not read.
 * @returns What reads it, the same each time. It throws an Error that names file and place where one is not valid,
 * before the first page comes.
 */
export const readByTime = (dir: string): ByTime => {
  let files: Promise<FoundFile[]> | undefined;
  return async function* pages() {
    files ??= findFiles(dir);
    const unique = new Unique();
    let page: FolderExchange[] = [];
    for (const [exchange, text] of merged(await files)) {
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
