import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../chat/ports.ts';
import { CompactNumbers } from '../../log-file/compact-numbers.ts';
import { makeFolder, replaceFile } from '../../log-file/durable-file.ts';
import { LOG_MODE, monthOf } from '../../log-file/log-fields.ts';
import { conversationsText } from './conversations-text.ts';
import { archiveFiles } from './folder-log.ts';
import { type FolderNote, writeFolderNote } from './half-moved.ts';
import { LiveLog } from './live-log.ts';
import { placesIn } from './snapshot-writer.ts';
import { type State, StateFile } from './state-file.ts';

/** An exchange as it comes from another store. */
export interface IncomingExchange {
  readonly key: string;
  readonly id: string;
  /** Seconds since 1970. */
  readonly timestamp: number;
  /** In one line. */
  readonly json: string;
}

/** What one step of the archive holds at most. */
const STEP_EXCHANGES = 10_000;
const STEP_BYTES = 32 * 1024 * 1024;

const MONTHS = 12;
/** Months since year 0, so that they can be compared; 0 where no calendar knows the time. */
const monthNumber = (timestamp: number): number => {
  const [year, month] = monthOf(timestamp).split('-').map(Number);
  return year === undefined || month === undefined || Number.isNaN(year) ? 0 : year * MONTHS + month - 1;
};
const monthName = (number: number): string =>
  number === 0
    ? 'undated'
    : `${Math.floor(number / MONTHS)}-${String((number % MONTHS) + 1).padStart(2, '0')}`;

/**
 * Fills a data folder from another store: oldest first the archive, in steps after each of which the note says how
 * far it is, then the live log.
 */
export class FolderFilling {
  readonly #dir: string;
  readonly #archiveBytes: number;
  #note: FolderNote;
  /** By key, the latest month until now: a key's exchanges must not go back to a file that is read before. */
  readonly #months = new CompactNumbers();
  #step = new Map<number, LiveLog>();
  #stepCount = 0;
  #stepBytes = 0;
  #count = 0;
  #bytes = 0;
  readonly #live = new LiveLog();

  /** @param archiveBytes So much of what comes first goes into the archive. */
  constructor(dir: string, archiveBytes: number, note: FolderNote) {
    this.#dir = dir;
    this.#archiveBytes = archiveBytes;
    this.#note = note;
  }

  /** Removes what the note does not know of: half of a step, and what came after it. */
  async accept(): Promise<void> {
    const { archive, log, state } = placesIn(this.#dir);
    await makeFolder(archive);
    const known = new Set(this.#note.files);
    const strange = (await archiveFiles(this.#dir)).filter((name) => !known.has(name));
    for (const path of [...strange.map((name) => join(archive, name)), log, state]) {
      await rm(path, { force: true });
    }
  }

  /** Takes the next exchange. They must come in the same order each time. */
  async add(one: IncomingExchange): Promise<void> {
    const month = Math.max(monthNumber(one.timestamp), this.#months.get(one.key) ?? 0);
    this.#months.set(one.key, month);
    this.#count++;
    this.#bytes += Buffer.byteLength(one.json);
    if (this.#bytes > this.#archiveBytes) {
      await this.#endStep();
      this.#live.add({ ...one, session: undefined });
      return;
    }
    if (this.#count <= this.#note.exchanges) return;
    const log = this.#step.get(month) ?? new LiveLog();
    this.#step.set(month, log);
    log.add({ ...one, session: undefined });
    this.#stepCount++;
    this.#stepBytes += Buffer.byteLength(one.json);
    if (this.#stepCount >= STEP_EXCHANGES || this.#stepBytes >= STEP_BYTES) await this.#endStep(this.#count);
  }

  async #endStep(count = this.#count - 1): Promise<void> {
    if (this.#stepCount === 0) return;
    const files = new Set(this.#note.files);
    for (const [month, log] of this.#step) {
      const first = monthName(month);
      let name = `${first}.json`;
      for (let part = 2; files.has(name); part++) name = `${first}-${part}.json`;
      files.add(name);
      await replaceFile(join(placesIn(this.#dir).archive, name), LOG_MODE, conversationsText(log.lanes()));
    }
    this.#note = { ...this.#note, exchanges: count, files: [...files] };
    await writeFolderNote(this.#dir, this.#note);
    this.#step = new Map();
    this.#stepCount = 0;
    this.#stepBytes = 0;
  }

  /** Writes what is left. */
  async end(state: State, logger: Logger): Promise<void> {
    const places = placesIn(this.#dir);
    await this.#endStep(this.#count);
    await replaceFile(places.log, LOG_MODE, conversationsText(this.#live.lanes()));
    await new StateFile(places.state, logger).write(state);
  }
}
