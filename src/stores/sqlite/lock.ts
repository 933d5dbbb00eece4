import { chmod, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { errnoOf, FILE_MODE, makeFolder } from '../../log-file/durable-file.ts';

/** The right to be the only process on a folder. */
export interface Lock {
  /**
   * Makes sure that the lock in the folder is still ours; takes it anew where the folder was replaced.
   * @throws Error where another process has it.
   */
  renew(): Promise<void>;
  release(): void;
}

/** Another process has the folder. */
export class FolderInUseError extends Error {
  override readonly name = 'FolderInUseError';
}

const BUSY = 5; // SQLITE_BUSY

const isBusy = (thrown: unknown): boolean =>
  thrown instanceof Error && 'errcode' in thrown && thrown.errcode === BUSY;

/** What to do about a folder that cannot be used, by the reason that the system gave. */
const ADVICE: Record<string, string> = {
  EACCES: 'The user that runs the service needs the right to write there.',
  EPERM: 'The user that runs the service needs the right to write there.',
  EROFS: 'The file system is read-only; mount it writable or set DATA_DIR.',
  ENOSPC: 'The disk is full.',
  EDQUOT: 'The disk quota is used up.',
};

/** @param what What was tried: `written`. */
export const folderError = (folder: string, what: string, cause: unknown): Error => {
  const code = errnoOf(cause);
  const reason = cause instanceof Error ? cause.message : String(cause);
  const advice = code && ADVICE[code] ? ` ${ADVICE[code]}` : '';
  return new Error(`The data folder ${folder} cannot be ${what}: ${reason}.${advice}`, { cause });
};

const lockFile = (path: string): DatabaseSync => {
  const database = new DatabaseSync(path);
  try {
    // Its own journal in memory: then the transaction writes nothing, and a full disk is no hindrance.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
};

/** Whether a file that no other process can know of can be locked in this folder. */
const canLock = async (folder: string): Promise<boolean> => {
  const path = join(folder, `lock-${process.pid}.tmp`);
  try {
    lockFile(path).close();
    return true;
  } catch {
    return false;
  } finally {
    await rm(path, { force: true }).catch(() => undefined);
  }
};

const take = async (folder: string, path: string): Promise<DatabaseSync> => {
  // The system's own words for what keeps us from writing there; SQLite has fewer.
  const handle = await open(path, 'a', FILE_MODE).catch((error: unknown) => {
    throw folderError(folder, 'written', error);
  });
  await handle.close();
  await chmod(path, FILE_MODE).catch(() => undefined);
  try {
    return lockFile(path);
  } catch (error) {
    // SQLite says "busy" too where the file system has no locks (ENOLCK).
    if (isBusy(error) && (await canLock(folder))) {
      throw new FolderInUseError(`The data folder ${folder} is in use by another process.`, { cause: error });
    }
    const told = isBusy(error) ? new Error('its file system has no locks (ENOLCK); use a local disk') : error;
    throw folderError(folder, 'locked', told);
  }
};

const NAME = 'lock.db';

const inode = async (path: string): Promise<number | undefined> => {
  const found = await stat(path).catch(() => undefined);
  return found?.ino;
};

/**
 * Takes the lock of a folder: an exclusive SQLite transaction, held for life. The kernel frees it with the
 * process, however that ends; a PID file would outlive a SIGKILL.
 * @throws FolderInUseError where another process has it; Error with the system's reason where it cannot be locked.
 */
export const lockFolder = async (folder: string): Promise<Lock> => {
  const path = join(folder, NAME);
  let database = await take(folder, path);
  let held = await inode(path);
  return {
    async renew() {
      if (held !== undefined && (await inode(path)) === held) return;
      // The file that we hold is gone from its place. The new lock is taken before the old one is let go.
      const next = await take(folder, path);
      database.close();
      database = next;
      held = await inode(path);
    },
    release() {
      if (database.isOpen) database.close();
    },
  };
};

/** Makes a data folder if it is missing, and takes its lock. @throws Error that names the folder. */
export const makeAndLock = async (folder: string): Promise<Lock> => {
  await makeFolder(folder).catch((error: unknown) => {
    throw folderError(folder, 'made', error);
  });
  return lockFolder(folder);
};
