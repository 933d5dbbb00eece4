import { readFile } from 'node:fs/promises';
import { brokenAt } from '../assistant/json-place.ts';
import { type UpstreamThread, type Visitor, visitorKey } from '../chat/model.ts';
import { ANONYMOUS } from '../log-file/log-fields.ts';
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

/** The map's threads of visitors who have none yet, for the store. @param known The visitorKeys of all who have one. */
export const newThreads = (
  { threads }: ThreadMap,
  known: ReadonlySet<string>,
  madeBy: string,
): (readonly [string, UpstreamThread])[] =>
  threads
    .map(({ visitor, thread }) => [visitorKey(visitor), { id: thread, madeBy }] as const)
    .filter(([key]) => !known.has(key));
