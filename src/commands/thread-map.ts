import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { brokenAt } from '../assistant/json-place.ts';
import { type Visitor, visitorKey } from '../chat/model.ts';
import { ANONYMOUS } from '../log-file/log-fields.ts';
import type { JsonStore } from '../stores/json/json-store.ts';
import { systemReason } from '../system-reason.ts';
import { Refusal } from './command.ts';

/** A visitor and the thread that the older system had for them. */
interface MappedThread {
  readonly visitor: Visitor;
  readonly thread: string;
}

/** A `{user_id: thread_id}` map, checked. */
export interface ThreadMap {
  readonly threads: readonly MappedThread[];
  /** Threads of no one in particular: the older system's visitors without a name all shared one. */
  readonly nobodys: number;
}

const THREAD_ID = /^thread_[\w.:-]{1,121}$/;
const MAX_FAULTS = 20;
const YIELD_EVERY = 1000;

/**
 * Reads a map of threads.
 * @throws Refusal that lists every fault (the first 20).
 */
export const readThreadMap = async (path: string): Promise<ThreadMap> => {
  const refuse = (...faults: string[]): never => {
    throw new Refusal(
      `${path} cannot be used as a map of threads; nothing was written.\n  ${faults.join('\n  ')}`,
    );
  };
  const text = await readFile(path, 'utf8').catch((error: unknown) => refuse(systemReason(error)));
  let map: unknown;
  try {
    map = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    const { line, column } = brokenAt(text.replace(/^\ufeff/, ''));
    refuse(`line ${line}, column ${column}: it is not valid JSON`);
  }
  if (!(map instanceof Object) || Array.isArray(map))
    return refuse('it is not an object {user_id: thread_id}');
  const entries: [string, unknown][] = Object.entries(map);
  const faults = entries
    .filter(([, thread]) => typeof thread !== 'string' || !THREAD_ID.test(thread))
    .map(([user]) => `${JSON.stringify(user.slice(0, 60))}: expected the id of a thread, "thread_…"`);
  if (faults.length > MAX_FAULTS)
    faults.splice(MAX_FAULTS, faults.length, `… and ${faults.length - MAX_FAULTS} more`);
  if (faults.length > 0) refuse(...faults);
  const threads = entries
    .filter(([user]) => user !== '' && user !== ANONYMOUS)
    .map(([id, thread]): MappedThread => ({ visitor: { kind: 'user', id }, thread: String(thread) }));
  return { threads, nobodys: entries.length - threads.length };
};

/** What became of a map's threads. */
export interface ThreadCounts {
  takenOver: number;
  /** The service has a thread for the visitor already. */
  known: number;
}

/** Counts what {@link takeOverThreads} would do. @param known The visitorKeys of all who have a thread. */
export const countThreads = ({ threads }: ThreadMap, known: ReadonlySet<string>): ThreadCounts => {
  const taken = threads.filter(({ visitor }) => !known.has(visitorKey(visitor))).length;
  return { takenOver: taken, known: threads.length - taken };
};

/** Gives each visitor who has none the thread of the map. The next snapshot makes it last. */
export const takeOverThreads = async (
  { threads }: ThreadMap,
  store: JsonStore,
  madeBy: string,
  signal: AbortSignal,
): Promise<ThreadCounts> => {
  const counts = { takenOver: 0, known: 0 };
  for (const [place, { visitor, thread }] of threads.entries()) {
    if (place % YIELD_EVERY === 0) await setImmediate();
    signal.throwIfAborted();
    if (await store.thread(visitor)) counts.known++;
    else {
      store.setThread(visitor, { id: thread, madeBy });
      counts.takenOver++;
    }
  }
  return counts;
};
