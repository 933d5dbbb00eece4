import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { visitorKey } from '../../chat/model.ts';
import type { Clock, Logger } from '../../chat/ports.ts';
import type { Accepted, Store } from '../../chat/store-port.ts';
import { logUnavailable } from '../../errors.ts';
import { errnoOf, makeFolder } from '../../log-file/durable-file.ts';
import type { OlderExchange } from '../../log-file/read-log.ts';
import { refuseHalfMoved } from './half-moved.ts';
import { openJournal } from './journal.ts';
import { load } from './load.ts';
import { type Lock, makeAndLock } from './lock.ts';
import { dayLine, exchangeJson, exchangeLine, factLine, takenLine, threadLine } from './records.ts';
import { createSessionFacts } from './session-facts.ts';
import { createSnapshotWriter, placesIn } from './snapshot-writer.ts';
import { createSnapshots } from './snapshots.ts';
import { createTakeOver } from './take-over.ts';
import { defaultTuning, type Tuning } from './tuning.ts';

/** The embedded store, and what only an embedded one has. */
export interface JsonStore extends Store {
  /** Brings all that is known now into conversations.json. @throws The system's error. */
  snapshot(): Promise<void>;
  /**
   * Takes exchanges over from another log: each goes to its place among those of its key, and one whose id is
   * there is ignored. While there are more than fit, the oldest of all move into the archive.
   * @param batch At most about a megabyte: it is one write.
   * @throws The system's error where the disk fails; a part of the batch may be there then.
   */
  takeOver(batch: readonly OlderExchange[]): Promise<void>;
  /** How many exchanges conversations.json has, or will with the next snapshot. */
  liveCount(): number;
}

export interface JsonStoreDeps {
  /** The data folder; made if it is missing. */
  readonly dir: string;
  /** Bytes over which the oldest exchanges move from conversations.json into `archive/`. */
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tuning?: Partial<Tuning>;
  /** The folder's lock where the caller has it; from now on it is the store's. */
  readonly lock?: Lock;
}

const isMissing = (path: string): Promise<boolean> =>
  stat(path).then(
    () => false,
    (error: unknown) => errnoOf(error) === 'ENOENT',
  );

/** The folder is this process's alone, whose messages wait for each other already. */
const TAKEN: Accepted = { type: 'accepted', mayRun: async () => {} };

type Outcome = 'done' | 'failed' | 'late';

/** How work ended, or that it has not within so many milliseconds. */
const outcome = (ms: number, work: Promise<unknown>): Promise<Outcome> =>
  Promise.race([
    work.then(
      (): Outcome => 'done',
      (): Outcome => 'failed',
    ),
    sleep<Outcome>(ms, 'late', { ref: false }),
  ]);

const openLocked = async (deps: JsonStoreDeps, lock: Lock): Promise<JsonStore> => {
  const { dir, maxBytes, clock, logger } = deps;
  const tuning = { ...defaultTuning, ...deps.tuning };
  await refuseHalfMoved(dir);
  const places = placesIn(dir);
  const { memory, files, interrupted, nextPart, upToDate, damaged, readJournal } = await load(dir, logger);

  const journal = await openJournal({
    folder: places.journal,
    first: nextPart,
    tuning,
    clock,
    logger,
    async prepare() {
      await makeFolder(dir);
      await lock.renew();
      await readJournal();
    },
    onMissing: () => {
      writer.forget();
      snapshots.changed();
    },
  });
  const writer = createSnapshotWriter({
    dir,
    memory,
    journal,
    files,
    maxBytes,
    upToDate,
    firstPart: nextPart,
    damaged,
    tuning,
    logger,
  });
  const snapshots = createSnapshots({
    write: () => writer.write(),
    isLarge: () => memory.log.bytes >= tuning.largeBytes,
    tuning,
    logger,
  });
  if (!upToDate.log || !upToDate.state) snapshots.changed();

  const takeOver = createTakeOver({ memory, journal, snapshots, maxBytes });

  let looking = false;
  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    try {
      await journal.check();
      if (!(await isMissing(places.log))) return;
      writer.forget();
      snapshots.changed();
    } finally {
      looking = false;
    }
  };
  const looks = setInterval(() => {
    look().catch((error: unknown) => logger.error({ err: error }, 'the data folder could not be looked at'));
  }, tuning.checkMs);
  looks.unref();

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    clearInterval(looks);
    const before = await outcome(tuning.closeMs, snapshots.stop());
    const drained = await journal.drain(tuning.closeMs);
    let last = before;
    if (drained && before === 'done') last = await outcome(4 * tuning.closeMs, snapshots.now());
    const idle = await journal.close();
    if (!drained) logger.error({ dir }, 'closed with exchanges that could not be written');
    else if (last !== 'done') {
      logger.error({ dir }, 'closed without a last snapshot; the journal has what it lacks');
    }
    // A write that still hangs could meet the next process's: then the lock goes only with this process.
    if (idle && last !== 'late') lock.release();
  };

  const finishing = new Map<string, Promise<void>>();
  return {
    async accept(message) {
      if (closing) throw logUnavailable({ cause: new Error('the store is closed') });
      const durable = journal.append(takenLine(message), message.id);
      memory.addTaken(message);
      try {
        await durable;
      } catch (error) {
        memory.removeTaken(message);
        throw error;
      }
      return TAKEN;
    },
    async finish(exchange) {
      const { id, visitor } = exchange;
      const pending = finishing.get(id);
      if (pending) return pending;
      if (memory.log.has(id)) return;
      if (closing) throw logUnavailable({ cause: new Error('the store is closed') });
      const json = exchangeJson(exchange);
      const durable = journal.append(exchangeLine(visitor, json));
      // In memory before it is durable: a snapshot must hold all that the journal parts before it do, and
      // while the disk is out the visitor's next turn is still told of this one.
      memory.add(visitor, exchange, json);
      snapshots.changed();
      finishing.set(id, durable);
      try {
        await durable;
      } finally {
        finishing.delete(id);
      }
    },
    async setFeedback() {
      return false;
    },
    async keyed(key) {
      return memory.keys.get(key);
    },
    async exchange(id) {
      return memory.exchange(id);
    },
    async unfinished(id) {
      return memory.taken.get(id);
    },
    // There is no other process that could be asked, or ask.
    async requestStop() {},
    onStopRequested() {},
    async interrupted() {
      return [...memory.taken.values()].filter(({ id }) => interrupted.has(id));
    },
    async recent(visitor, page) {
      return memory.log.recent(visitor, page);
    },
    ...createSessionFacts({ memory, journal, snapshots, clock }),
    async thread(visitor) {
      return memory.threads.get(visitorKey(visitor));
    },
    setThread(visitor, thread) {
      memory.setThread(visitor, thread);
      journal.note(threadLine(visitor, thread));
    },
    async countMessage(day, by = 1) {
      const count = (memory.days.get(day) ?? 0) + by;
      // What is taken back goes for this process; a start takes the highest count that it finds.
      if (by > 0) memory.count(day, count);
      else memory.days.set(day, count);
      journal.note(dayLine(day, count));
      return count;
    },
    health() {
      const trouble = closing ? new Error('the store is closed') : journal.trouble();
      return trouble ? { ok: false, reason: trouble.message } : { ok: true };
    },
    snapshot: () => snapshots.now(),
    async fact(name) {
      return memory.facts.get(name);
    },
    setFact(name, value) {
      memory.setFact(name, value);
      journal.note(factLine(name, value));
    },
    async takeOver(batch) {
      if (closing) throw logUnavailable({ cause: new Error('the store is closed') });
      await takeOver(batch);
    },
    liveCount: () => memory.log.size,
    close() {
      closing ??= close();
      return closing;
    },
  };
};

/**
 * Opens the embedded store: conversations.json and what belongs to it, in one folder, for this process alone.
 *
 * Where the folder can be read but not written the store opens all the same; `health()` tells, and writing
 * begins by itself as soon as it can.
 * @throws Error that names the folder where another process has it, it is half-moved or cannot be made, and one that names
 * file and line where conversations.json is not valid: it is not touched then.
 */
export const openJsonStore = async (deps: JsonStoreDeps): Promise<JsonStore> => {
  const { dir } = deps;
  const lock = deps.lock ?? (await makeAndLock(dir));
  try {
    return await openLocked(deps, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
};
