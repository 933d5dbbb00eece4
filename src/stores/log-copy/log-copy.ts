import { rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { type Adapter, Low } from 'lowdb';
import type { Logger } from '../../chat/ports.ts';
import { errnoOf } from '../../log-file/durable-file.ts';
import type { OpenedRoom } from '../../sqlite/room.ts';
import type { Tuning } from '../sqlite/tuning.ts';
import type { Gone } from './edited-copies.ts';
import { markOf, type TooLong, type Written } from './files.ts';
import { COPY_STATE, type CopyState } from './state.ts';

type CopyFiles = OpenedRoom<typeof import('./files.ts')>;
type CoreWrites = Pick<OpenedRoom<typeof import('../sqlite/core-writes.ts')>, 'write'>;

/** The {@link markOf} a file; undefined where there is none. */
const markIn = (file: string): Promise<string | undefined> =>
  stat(file).then(
    (found) => markOf(found),
    (error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    },
  );

/** Exchanges in a file of the archive: erasing one of them rewrites the file. */
const ARCHIVE_EXCHANGES = 50_000;

export interface LogCopyDeps {
  readonly file: string;
  readonly archive: string;
  readonly maxBytes: number;
  readonly state: CopyState;
  readonly files: CopyFiles;
  readonly core: CoreWrites;
  readonly tuning: Tuning;
  readonly logger: Logger;
}

/** conversations.json as lowdb's file: never seen half-written, and never written over what somebody else put there. */
export class LogCopy implements Adapter<Written> {
  readonly #deps: LogCopyDeps;
  readonly #low: Low<Written>;
  #state: CopyState;
  /** markOf() what we wrote last. */
  #mark: string | undefined;
  #bytes = 0;
  #archiveFails = false;

  constructor(deps: LogCopyDeps) {
    this.#deps = deps;
    this.#state = deps.state;
    this.#low = new Low<Written>(this, { hash: '', bytes: 0 });
  }

  get isLarge(): boolean {
    return this.#bytes >= this.#deps.tuning.largeBytes;
  }

  /** Brings all that the database has now into the files. */
  async update(): Promise<void> {
    await this.#low.write();
  }

  /** Whether the file is as it was written, and had everything when the store was closed. */
  async isComplete(): Promise<boolean> {
    const mark = await markIn(this.#deps.file);
    const found = await this.read();
    const isOurs = found !== null && found.hash === this.#state.hashes.at(-1);
    if (isOurs) this.#mark = mark;
    return isOurs && this.#state.complete;
  }

  /** Takes what was erased out of the copies that were moved aside, too. */
  async eraseFromEdited(gone: Gone): Promise<void> {
    const { file, files, logger } = this.#deps;
    for (const unread of await files.read('eraseFromEdited', { path: file, gone })) {
      logger.error(
        { file: unread },
        'an edited copy cannot be read: remove what was erased from it, or the file',
      );
    }
  }

  /** Whether somebody else has changed or removed the file. */
  async wasChanged(): Promise<boolean> {
    return this.#mark !== undefined && (await markIn(this.#deps.file)) !== this.#mark;
  }

  /** What is there now; null where there is nothing. */
  async read(): Promise<Written | null> {
    const { file, files } = this.#deps;
    const hash = await files.read('hashOf', file);
    return hash === undefined ? null : { hash, bytes: (await stat(file)).size };
  }

  async write(): Promise<void> {
    const { file, files } = this.#deps;
    const written = await this.#prepare();
    await this.#keepForeign();
    // Before it is there: after a crash in between either of the two is known as ours.
    await this.#remember({ hashes: [...this.#state.hashes.slice(-1), written.hash], complete: false });
    this.#mark = await files.read('publishLog', file);
    this.#bytes = written.bytes;
  }

  async #remember(state: CopyState): Promise<void> {
    await this.#deps.core.write('setMeta', { name: COPY_STATE, value: JSON.stringify(state) });
    this.#state = state;
  }

  /** Notes that the file has everything. Nothing may be written after it. */
  async complete(): Promise<void> {
    await this.#remember({ ...this.#state, complete: true });
  }

  /** Moves the oldest exchanges into the archive until the rest is short enough, and writes that beside the file. */
  async #prepare(): Promise<Written> {
    const { file: path, files, maxBytes, tuning, logger } = this.#deps;
    const prepare = (most: number | undefined): Promise<Written | TooLong> =>
      files.read('prepareLog', { path, maxBytes: most });
    for (let keep = maxBytes * tuning.keepShare; ; keep *= tuning.keepShare) {
      let most: number | undefined = maxBytes;
      try {
        await this.#writeArchive();
        this.#archiveFails = false;
      } catch (error) {
        // A log that is too long is better than one that is not written.
        if (!this.#archiveFails) logger.warn({ err: error }, 'the archive cannot be written; retrying');
        this.#archiveFails = true;
        most = undefined;
      }
      const result = await prepare(most);
      if ('hash' in result) return result;
      await this.#archiveOldest(keep);
    }
  }

  async #archiveOldest(keepBytes: number): Promise<void> {
    const { files, core } = this.#deps;
    const begun = new Map<string, { id: number; count: number }>();
    for await (const { month, seqs } of files.pages('oldest', keepBytes)) {
      const last = begun.get(month);
      const isFull = last !== undefined && last.count >= ARCHIVE_EXCHANGES;
      const id = await core.write('archive', { month, seqs, id: isFull ? undefined : last?.id });
      begun.set(month, { id, count: seqs.length + (isFull ? 0 : (last?.count ?? 0)) });
    }
    this.#deps.logger.info({ months: [...begun.keys()] }, 'the oldest exchanges were archived');
  }

  async #writeArchive(): Promise<void> {
    const { archive: folder, files, core } = this.#deps;
    for (const { id, name } of await files.read('unwritten', folder)) {
      await core.write('writingArchive', id);
      await files.read('writeArchive', { folder, id, name });
      await core.write('archiveWritten', id);
    }
  }

  /** Keeps aside what somebody else has written into the file. */
  async #keepForeign(): Promise<void> {
    const { file, logger } = this.#deps;
    const mark = await markIn(file);
    if (this.#mark !== undefined && mark === this.#mark) return;
    const found = await this.read();
    const wasWritten = this.#state.hashes.length > 0;
    if (!found?.bytes) {
      if (wasWritten)
        logger.warn(
          { file },
          `${path.basename(file)} was ${found ? 'empty' : 'missing'}: it is written again`,
        );
      return;
    }
    if (this.#state.hashes.includes(found.hash)) return;
    const time = new Date().toISOString().replaceAll(':', '-');
    const aside = path.join(path.dirname(file), `${path.basename(file, '.json')}.edited-${time}.json`);
    await rename(file, aside);
    logger.warn(
      { file: aside },
      'conversations.json was changed by someone else: it was moved aside and written again from the database, which is not changed by edits; to add exchanges, stop the service and run npm run import',
    );
  }
}
