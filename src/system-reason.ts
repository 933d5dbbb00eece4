/** What the system's codes mean for a file or folder, and what to do. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'it may not be read or written by this user (EACCES)',
  EPERM: 'it may not be read or written by this user (EPERM)',
  EROFS: 'the disk is read-only (EROFS)',
  ENOSPC: 'the disk is full (ENOSPC)',
  EDQUOT: 'the disk quota is used up (EDQUOT)',
  EFBIG: 'the file would be larger than is allowed (EFBIG)',
  ENOLCK: 'its file system cannot lock files (ENOLCK), as some network file systems; take a local disk',
  EIO: 'the disk reports an error (EIO)',
  EMFILE: 'this process has too many open files (EMFILE); raise `ulimit -n`',
};

const errnoOf = (thrown: unknown): string | undefined =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;

/** Why the system refused, for a person. */
export const systemReason = (thrown: unknown): string => {
  const code = errnoOf(thrown);
  // SQLite's own words are better than its code.
  if (code === undefined || code === 'ERR_SQLITE_ERROR')
    return thrown instanceof Error ? thrown.message : String(thrown);
  return REASONS[code] ?? `the system says ${code}`;
};

/** Why messages cannot be recorded, without the hosts and paths that only the service's own log may name. */
export const publicStoreReason = (store: 'database' | 'folder', reason: string): string => {
  if (store === 'database') return 'the database cannot be used';
  const system = /^E[A-Z0-9]+: [^,'"/]+/.exec(reason)?.[0];
  return system ? `the log cannot be written (${system})` : 'the log cannot be written';
};
