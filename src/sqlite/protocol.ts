/** What goes between the service and the store's workers. */

/** What a worker is for: the writer alone writes. */
export type Role = 'writer' | 'reader';

export interface WorkerSetup {
  readonly file: string;
  readonly role: Role;
  /** It leaves the processor to the other workers where they need it. */
  readonly isBackground: boolean;
}

/** A function of a room, and what it is given. */
export interface Call {
  /** The URL of the room's module. */
  readonly room: string;
  readonly name: string;
  readonly input: unknown;
}

export type CheckpointMode = 'PASSIVE' | 'RESTART' | 'TRUNCATE';

export type Request =
  /** Imports a room and brings its tables up to date. */
  | { readonly type: 'migrate'; readonly room: string }
  /** Calls a room's `writes` in one transaction. */
  | { readonly type: 'commit'; readonly calls: readonly Call[] }
  /** Calls one of a room's `reads`; of a generator it gives the first page. */
  | { readonly type: 'read'; readonly call: Call }
  /** The next page of an earlier `read`. */
  | { readonly type: 'next'; readonly of: number }
  /** No more pages are wanted. */
  | { readonly type: 'stop'; readonly of: number }
  /** Brings the write-ahead log into the database; RESTART also starts it again from its beginning, TRUNCATE with an empty file. */
  | { readonly type: 'checkpoint'; readonly mode: CheckpointMode }
  | { readonly type: 'close' };

/** An error without its class, which does not survive the way between workers. */
export interface Thrown {
  readonly message: string;
  /** SQLite's extended result code, where it is an error of its. */
  readonly errcode?: number;
  readonly stack?: string;
}

/** What became of one call. */
export type Outcome = { readonly value: unknown } | { readonly thrown: Thrown };

/** The answer to `read` and `next`. */
export type ReadResult =
  | { readonly value: unknown }
  | { readonly page: unknown }
  /** There are no more pages. */
  | { readonly end: true };

export interface Reply {
  readonly id: number;
  readonly outcome: Outcome;
}

export const thrownOf = (error: unknown): Thrown => {
  if (!(error instanceof Error)) return { message: String(error) };
  const errcode = 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : undefined;
  const { message, stack } = error;
  return { message, ...(errcode !== undefined && { errcode }), ...(stack !== undefined && { stack }) };
};

/** SQLite's primary result codes that are the disk's or the system's trouble, not that of one statement. */
const SYSTEM = new Map([
  [3, 'SQLITE_PERM'],
  [5, 'SQLITE_BUSY'],
  [6, 'SQLITE_LOCKED'],
  [7, 'SQLITE_NOMEM'],
  [8, 'SQLITE_READONLY'],
  [10, 'SQLITE_IOERR'],
  [11, 'SQLITE_CORRUPT'],
  [13, 'SQLITE_FULL'],
  [14, 'SQLITE_CANTOPEN'],
  [15, 'SQLITE_PROTOCOL'],
  [26, 'SQLITE_NOTADB'],
]);

/** The name of the system's trouble; undefined where a statement was wrong, or it is no error of SQLite's. */
export const troubleName = (errcode: number | undefined): string | undefined =>
  errcode === undefined ? undefined : SYSTEM.get(errcode & 0xff);

/** An error that came from a worker. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly errcode: number | undefined;
  constructor({ message, errcode, stack }: Thrown) {
    const trouble = troubleName(errcode);
    super(trouble ? `${trouble}: ${message}` : message);
    this.errcode = errcode;
    if (stack !== undefined) this.stack = stack;
  }
}
