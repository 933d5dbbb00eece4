import type { Clock, Logger } from '../../chat/ports.ts';
import type { FeedbackLog, Store } from '../../chat/store-port.ts';
import type { LogRow } from '../../log-file/log-row.ts';
import { Checkpoints } from '../../sqlite/checkpoint.ts';
import { openReadable } from '../../sqlite/connection.ts';
import { GroupCommit } from '../../sqlite/group-commit.ts';
import { roomOf } from '../../sqlite/open-room.ts';
import type { Call } from '../../sqlite/protocol.ts';
import type { OpenedRoom, RoomModule } from '../../sqlite/room.ts';
import { DatabaseWorker } from '../../sqlite/worker-handle.ts';
import type { Gone } from '../log-copy/edited-copies.ts';
import { LogCopy } from '../log-copy/log-copy.ts';
import { createCopySchedule } from '../log-copy/schedule.ts';
import { importFolder } from '../transfer/first-import.ts';
import { reads } from './core-reads.ts';
import { FileCheck } from './file-check.ts';
import { type Lock, makeAndLock } from './lock.ts';
import { createLook } from './look.ts';
import { createMessageLog } from './message-log.ts';
import { pathsIn, prepareDatabase, refuseHalfMoved, removeHalfWritten } from './open-database.ts';
import { Overlay } from './overlay.ts';
import { createShares, type Shares } from './shares.ts';
import { defaultTuning, type Tuning } from './tuning.ts';
import { createVisitorFacts } from './visitor-facts.ts';

/** The embedded store, and what only an embedded one has. */
export interface SqliteStore extends Store, FeedbackLog {
  readonly shares: Shares;
  /**
   * Opens another room's part of the database; see room.ts.
   * @param module The URL of its module.
   * @param options.ownReader Its reads take long, and are not to hold up those of other rooms: they get a worker of their own, of low priority.
   * @throws Error where the database has a newer schema of it.
   */
  openRoom<M extends RoomModule>(
    module: URL,
    options?: { readonly ownReader?: boolean },
  ): Promise<OpenedRoom<M>>;
  /**
   * Sees to it that nothing that was deleted can be read any more: in the write-ahead log, conversations.json and the
   * archive.
   * @param gone What to take out of edited copies of conversations.json that were moved aside, too.
   */
  scrub(gone?: Gone): Promise<void>;
  /** Calls `listener` when exchanges were written or changed. @returns What ends that. */
  onChange(listener: () => void): () => void;
  /** Brings all that is known now into conversations.json and the archive. @throws What writing throws. */
  updateCopy(): Promise<void>;
  /**
   * Takes exchanges over from another log; one whose id is there is ignored.
   * @param rows A few hundred at most: it is one transaction. `time` is the place in the exchange's list.
   * @returns How many were new.
   * @throws AppError `log_unavailable`
   */
  add(rows: readonly { readonly row: LogRow; readonly time?: number }[]): Promise<number>;
}

export interface SqliteStoreDeps {
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

const CORE_WRITES = new URL('./core-writes.ts', import.meta.url);
const CORE_READS = new URL('./core-reads.ts', import.meta.url);
const COPY_FILES = new URL('../log-copy/files.ts', import.meta.url);

/** The core's writes that conversations.json shows. */
const SHOWN = new Set(['finish', 'clear', 'setFeedback', 'add']);

const callOf = (name: string, input: unknown): Call => ({ room: CORE_WRITES.href, name, input });

const openLocked = async (deps: SqliteStoreDeps, lock: Lock): Promise<SqliteStore> => {
  const { dir, maxBytes, clock, logger } = deps;
  const tuning = { ...defaultTuning, ...deps.tuning };
  const paths = pathsIn(dir);
  await removeHalfWritten(dir);
  await importFolder(dir, logger);
  const { concurrent, copyState } = prepareDatabase(dir, logger);
  const own = openReadable(paths.database);
  try {
    refuseHalfMoved(own, dir);
  } catch (error) {
    own.close();
    throw error;
  }
  const writerWorker = new DatabaseWorker(paths.database, 'writer');
  const reader = new DatabaseWorker(paths.database, 'reader');
  const copier = new DatabaseWorker(paths.database, 'reader', true);
  const ownReaders: DatabaseWorker[] = [];

  const listeners = new Set<() => void>();
  const writer = new GroupCommit({
    worker: writerWorker,
    tuning,
    logger,
    probe: callOf('setMeta', { name: 'probe', value: '' }),
    onCommit: (calls) => {
      checkpoints.committed(calls.length);
      if (!calls.some(({ room, name }) => room === CORE_WRITES.href && SHOWN.has(name))) return;
      schedule.changed();
      for (const listener of listeners) listener();
    },
  });
  const checkpoints = new Checkpoints({
    ...{ writer: writerWorker, helper: copier, logger },
    own: () => (concurrent ? files.own : undefined),
  });
  const files = new FileCheck(own, {
    ...{ dir, lock, writer, logger },
    workers: () => [writerWorker, reader, copier, ...ownReaders],
  });
  await files.check();
  const core = roomOf<typeof import('./core-writes.ts')>(CORE_WRITES, { writer, reader });
  const copy = new LogCopy({
    file: paths.log,
    archive: paths.archive,
    maxBytes,
    state: copyState,
    files: roomOf<typeof import('../log-copy/files.ts')>(COPY_FILES, { writer, reader: copier }),
    core,
    tuning,
    logger,
  });
  const schedule = createCopySchedule({
    write: () => copy.update(),
    isLarge: () => copy.isLarge,
    tuning,
    logger,
  });

  const overlay = new Overlay();
  for (const message of reads.accepted(own)) overlay.accepted.set(message.id, message);
  const days = reads.days(own);
  const shares = createShares({ counts: reads.shares(own), writer, callOf });
  if (!concurrent) own.close();
  const slow = roomOf<typeof import('./core-reads.ts')>(CORE_READS, { writer, reader });
  const look = createLook(concurrent ? () => files.own : undefined, slow);

  let checking = false;
  const check = async (): Promise<void> => {
    if (checking) return;
    checking = true;
    try {
      await files.check();
      if (await copy.wasChanged()) schedule.changed();
    } finally {
      checking = false;
    }
  };
  const checks = setInterval(() => {
    check().catch((error: unknown) => logger.error({ err: error }, 'the data folder could not be checked'));
  }, tuning.checkMs);
  checks.unref();
  // The hash of a long file takes a while; nobody needs to wait for it.
  const looking = copy.isComplete().then(
    (isComplete) => isComplete || schedule.changed(),
    () => schedule.changed(),
  );

  const scrub = async (gone?: Gone): Promise<void> => {
    await schedule.now();
    if (gone) await copy.eraseFromEdited(gone);
    await checkpoints.empty();
  };

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    clearInterval(checks);
    await looking;
    await schedule.stop();
    const drained = await writer.drain(tuning.closeMs);
    if (drained) await finishCopy();
    else logger.error({ dir }, 'closed with exchanges that could not be written');
    writer.close();
    files.own.close();
    await Promise.all([reader, copier, ...ownReaders].map((worker) => worker.close()));
    await writerWorker.close();
    lock.release();
  };
  const finishCopy = async (): Promise<void> => {
    try {
      if (schedule.isDue()) await schedule.now();
      await copy.complete();
      await writer.drain(tuning.closeMs);
    } catch (error) {
      logger.error(
        { err: error },
        'closed without a last conversations.json; the database has what it lacks',
      );
    }
  };

  return {
    ...createMessageLog({ writer, look, overlay, callOf }),
    ...createVisitorFacts({
      ...{ writer, core, look, overlay, callOf, days, clock },
      erased: scrub,
    }),
    load() {
      const tookMs = schedule.tookMs();
      return { waiting: writer.waiting(), ...(tookMs !== undefined && { copySeconds: tookMs / 1000 }) };
    },
    shares,
    health() {
      const trouble = writer.trouble();
      return trouble ? { ok: false, reason: trouble.message } : { ok: true };
    },
    async openRoom(module, { ownReader = false } = {}) {
      await writerWorker.ask({ type: 'migrate', room: module.href });
      if (!ownReader) return roomOf(module, { writer, reader });
      const own = new DatabaseWorker(paths.database, 'reader', true);
      ownReaders.push(own);
      return roomOf(module, { writer, reader: own });
    },
    scrub,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    updateCopy: () => schedule.now(),
    add: (rows) => core.write('add', rows),
    close() {
      closing ??= close();
      return closing;
    },
  };
};

/**
 * Opens the embedded store: a database in one folder, for this process alone, and the readable copies beside it.
 * @throws Error that names the folder where another process has it, or what is wrong with the folder or the
 * database; nothing is changed then.
 */
export const openSqliteStore = async (deps: SqliteStoreDeps): Promise<SqliteStore> => {
  const lock = deps.lock ?? (await makeAndLock(deps.dir));
  try {
    return await openLocked(deps, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
};
