import { rm } from 'node:fs/promises';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Logger } from '../../chat/ports.ts';
import { logUnavailable } from '../../errors.ts';
import { errnoOf } from '../../log-file/durable-file.ts';
import { Backlog } from './backlog.ts';
import { createPart, type JournalPart, partPath } from './journal-part.ts';
import { droppedLine } from './records.ts';
import type { Tuning } from './tuning.ts';

/** The append-only side of the store: what is in it is durable. */
export interface Journal {
  /**
   * Appends a line; it is kept from the moment this returns. Without `taken` it is kept through an outage and the promise waits for the disk.
   * @param taken The id of the message whose taking this records: it is given up when the disk fails.
   * @throws AppError `log_unavailable` at once where it is not kept; the promise is rejected with it where a
   * line with `taken` is given up.
   */
  append(line: string, taken?: string): Promise<void>;
  /** Appends a line that nobody waits for; the next awaited one makes it durable too. */
  note(line: string): void;
  /**
   * Goes on in a new part, if anything is in the present one.
   * @returns Its number: parts before it change no more.
   */
  rotate(): Promise<number>;
  /** Looks whether the present part is still in its place; if not, goes on in a new one and reports it. */
  check(): Promise<void>;
  /** Why nothing can be written now, if that is so. */
  trouble(): Error | undefined;
  /** Waits until all is durable, at most so many milliseconds. */
  drain(ms: number): Promise<boolean>;
  /**
   * Lets go; what still waits is rejected.
   * @returns Whether nothing is being written any more.
   */
  close(): Promise<boolean>;
}

const ignore = (): void => undefined;

/**
 * Opens the journal in `folder` with part `first`; where that cannot be made the journal is in trouble and
 * tries again by itself.
 * @param deps.prepare Runs before each new part after an outage; what it throws prolongs the outage.
 * @param deps.onMissing The present part was gone from its place: what it held is in memory alone.
 */
export const openJournal = async (deps: {
  folder: string;
  first: number;
  tuning: Tuning;
  clock: Clock;
  logger: Logger;
  prepare: () => Promise<void>;
  onMissing: () => void;
}): Promise<Journal> => {
  const { folder, tuning, logger } = deps;
  let next = deps.first;
  let part: JournalPart | undefined;
  const backlog = new Backlog();
  let tasks: (() => Promise<void>)[] = [];
  let running: Promise<void> | undefined;
  let fault: Error | undefined;
  let missing = false;
  let writingSince: number | undefined;
  let closed = false;

  const newPart = async (): Promise<JournalPart> => {
    for (;;) {
      const number = next;
      try {
        const made = await createPart(folder, number, deps.clock.now());
        next = number + 1;
        return made;
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
        next = number + 1;
      }
    }
  };

  const fail = (error: unknown): void => {
    const cause = error instanceof Error ? error : new Error(String(error));
    if (!fault) logger.error({ err: cause, folder }, 'the journal cannot be written; trying again');
    fault = cause;
    part?.close().catch(ignore);
    part = undefined;
    backlog.refuseTaken(logUnavailable({ cause }));
  };

  const proven = (): void => {
    if (fault) logger.info({ folder }, 'the journal can be written again');
    fault = undefined;
    if (!missing) return;
    missing = false;
    deps.onMissing();
  };

  const recover = async (): Promise<void> => {
    try {
      if (fault) await deps.prepare();
      part = await newPart();
      // With lines waiting, they are the better proof: a nearly full disk takes a new part, but not them.
      if (backlog.isEmpty) proven();
    } catch (error) {
      fail(error);
    }
  };

  const writeBatch = async (into: JournalPart): Promise<void> => {
    const batch = backlog.take();
    writingSince = performance.now();
    try {
      await into.append(batch.map(({ line }) => line).join(''));
      proven();
      backlog.settle(batch);
    } catch (error) {
      const given = batch.flatMap(({ taken }) => taken ?? []);
      backlog.giveBack(batch);
      fail(error);
      // Their lines may be in the failed part all the same: this takes them back.
      if (given.length > 0) enqueue(droppedLine(given), undefined, ignore);
    } finally {
      writingSince = undefined;
    }
  };

  const enqueue: Backlog['push'] = (line, taken, settle) => {
    backlog.push(line, taken, settle);
    wake();
  };

  const replacePart = async (): Promise<void> => {
    const old = part;
    part = await newPart();
    await old?.close().catch(ignore);
  };

  const run = async (): Promise<void> => {
    for (;;) {
      // Lets everyone who was just told "durable" add what they write next: one sync then serves all.
      await setImmediate();
      if (closed) return;
      if (!part) await recover();
      const due = tasks;
      tasks = [];
      for (const task of due) await task();
      if (!part) await sleep(tuning.retryMs);
      else if (!backlog.isEmpty) await writeBatch(part);
      else if (tasks.length === 0) {
        // In the same breath as the test above, or a line that comes now would wait for the next one.
        running = undefined;
        return;
      }
      if (part && part.bytes > tuning.partBytes) await replacePart().catch(fail);
    }
  };

  const wake = (): void => {
    running ??= run();
  };

  const refusal = (): Error | undefined => {
    if (closed) return new Error('the store is closed');
    return backlog.bytes < tuning.maxPendingBytes ? undefined : new Error('too much waits for the disk');
  };

  const trouble = (): Error | undefined => {
    if (fault) return fault;
    if (writingSince === undefined || performance.now() - writingSince < tuning.stallMs) return undefined;
    return new Error(`a write to ${folder} does not return`);
  };

  const betweenBatches = <T>(task: () => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      tasks.push(() => task().then(resolve, reject));
      wake();
    });

  await recover();
  if (fault) wake();

  return {
    append(line, taken) {
      const cause = refusal() ?? (taken === undefined ? undefined : trouble());
      if (cause) throw logUnavailable({ cause });
      return new Promise((resolve, reject) => {
        enqueue(line, taken, (error) => (error ? reject(error) : resolve()));
      });
    },
    note(line) {
      // What is not noted here is in memory, and so in the next snapshot.
      if (!refusal()) enqueue(line, undefined, ignore);
    },
    rotate: () =>
      betweenBatches(async () => {
        if (!part) throw fault ?? new Error('the journal is closed');
        if (!part.isEmpty) await replacePart();
        return part.number;
      }),
    check: () =>
      betweenBatches(async () => {
        if (!part || (await part.isInPlace())) return;
        missing = true;
        fail(new Error(`${partPath(folder, part.number)} is gone from its place`));
      }),
    trouble,
    async drain(ms) {
      const deadline = performance.now() + ms;
      while (running && performance.now() < deadline) await Promise.race([running, sleep(20)]);
      return backlog.isEmpty;
    },
    async close() {
      closed = true;
      backlog.refuseAll(logUnavailable({ cause: fault ?? new Error('the store is closed') }));
      const idle = await Promise.race([
        Promise.resolve(running).then(() => true),
        sleep(tuning.closeMs, false, { ref: false }),
      ]);
      if (!idle) return false;
      const last = part;
      part = undefined;
      await last?.close().catch(ignore);
      if (last?.isEmpty) await rm(partPath(folder, last.number), { force: true }).catch(ignore);
      return true;
    },
  };
};
