import { chmod, rename, rm, stat } from 'node:fs/promises';
import { backup } from 'node:sqlite';
import type { Logger } from '../../chat/ports.ts';
import { FILE_MODE, makeFolder, TEMP_SUFFIX } from '../../log-file/durable-file.ts';
import { type Connection, openReadable } from '../../sqlite/connection.ts';
import type { GroupCommit } from '../../sqlite/group-commit.ts';
import type { DatabaseWorker } from '../../sqlite/worker-handle.ts';
import type { Lock } from './lock.ts';
import { pathsIn, SIDE_FILES } from './open-database.ts';

/** Of a database, in one step. */
export const ALL_PAGES = 2 ** 31 - 1;

const inode = (file: string): Promise<number | undefined> =>
  stat(file).then(
    ({ ino }) => ino,
    () => undefined,
  );

interface FileCheckDeps {
  readonly dir: string;
  readonly lock: Lock;
  readonly writer: GroupCommit;
  readonly workers: () => readonly DatabaseWorker[];
  readonly logger: Logger;
}

/** Sees to it that the database is in its place: what is written into a file that was moved away is soon lost. */
export class FileCheck {
  readonly #deps: FileCheckDeps;
  readonly #file: string;
  #own: Connection;
  #placed: number | undefined;

  /** @param own The service's own connection, which can still read a file that was deleted. */
  constructor(own: Connection, deps: FileCheckDeps) {
    this.#own = own;
    this.#deps = deps;
    this.#file = pathsIn(deps.dir).database;
  }

  /** The service's own connection; another one after the database was made again. */
  get own(): Connection {
    return this.#own;
  }

  /** Stops writing while another file, or none, is in the database's place; a deleted one is made again. */
  async check(): Promise<void> {
    const { writer } = this.#deps;
    const found = await inode(this.#file);
    this.#placed ??= found;
    if (found !== undefined && found === this.#placed) return writer.resume();
    if (found !== undefined) return writer.suspend(new Error(`${this.#file} is another file now`));
    if (writer.trouble() === undefined) writer.suspend(new Error(`${this.#file} is missing`));
    await this.#makeAgain().catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      writer.suspend(new Error(`${this.#file} is missing: ${reason}`, { cause }));
    });
  }

  /** Writes all that the deleted file held into a new one, from the connection that still has it open. */
  async #makeAgain(): Promise<void> {
    const { dir, lock, writer, workers, logger } = this.#deps;
    await makeFolder(dir);
    await lock.renew();
    if (!this.#own.database.isOpen) throw new Error('restart the service');
    await writer.settled();
    const temp = `${this.#file}${TEMP_SUFFIX}`;
    for (const end of ['', ...SIDE_FILES]) await rm(`${temp}${end}`, { force: true });
    await backup(this.#own.database, temp, { rate: ALL_PAGES });
    await chmod(temp, FILE_MODE);
    await Promise.all(workers().map((worker) => worker.kill()));
    for (const end of SIDE_FILES) await rm(`${this.#file}${end}`, { force: true });
    await rename(temp, this.#file);
    this.#own.close();
    this.#own = openReadable(this.#file);
    this.#placed = await inode(this.#file);
    logger.warn({ file: this.#file }, 'the database was deleted while the service ran; it is made again');
    writer.resume();
  }
}
