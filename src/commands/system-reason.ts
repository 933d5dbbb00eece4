import { errnoOf } from '../log-file/durable-file.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'it may not be read or written',
  EPERM: 'it may not be read or written',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be larger than is allowed',
};

/** Why the system refused, for a person. */
export const systemReason = (thrown: unknown): string => {
  const code = errnoOf(thrown);
  // SQLite's words are better than its code.
  if (code === undefined || code === 'ERR_SQLITE_ERROR')
    return thrown instanceof Error ? thrown.message : String(thrown);
  return REASONS[code] ?? `the system says ${code}`;
};
