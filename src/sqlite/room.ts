/**
 * How other rooms keep data in this database.
 *
 * A room writes one module that the store's workers import: its tables and the functions that read and write them.
 * Beside the service it is opened once, and its functions are called by name, with their own types:
 *
 * ```ts
 * // src/ops/audit-tables.ts: runs in the store's workers; imports types and `connection.ts` alone
 * export const room = 'ops';
 * export const migrations = ['CREATE TABLE ops_audit (at REAL NOT NULL, what TEXT NOT NULL) STRICT'];
 * export const reads = {
 *   newest: (db: Connection, { limit }: { limit: number }) =>
 *     db.all('SELECT at, what FROM ops_audit ORDER BY rowid DESC LIMIT ?', limit),
 *   // A generator gives pages: the next one is made when it is asked for.
 *   *all(db: Connection) { … yield page … },
 * };
 * export const writes = {
 *   add: (db: Connection, { at, what }: { at: number; what: string }) =>
 *     void db.run('INSERT INTO ops_audit VALUES (?, ?)', at, what),
 * };
 *
 * // where the service is put together
 * const audit = await store.openRoom<typeof import('./audit-tables.ts')>(new URL('./audit-tables.ts', import.meta.url));
 * await audit.write('add', { at: clock.now() / 1000, what: 'erased' });
 * const lines = await audit.read('newest', { limit: 20 });
 * for await (const page of audit.pages('all', undefined)) …
 * ```
 *
 * What goes in and comes out is copied between workers (structured clone): plain data only.
 * Migrations are numbered by their place, each runs once; add to the end, never change one that was released.
 * A migration may put triggers on the core's tables (see schema.ts).
 * `reads` run on a worker of their own and never delay a commit; between two pages of a generator others are served.
 * `writes` join the next group commit: keep them to a few milliseconds each, work through long lists in steps.
 */

import type { Connection } from './connection.ts';

/** One step of a schema: SQL, or work that needs more. */
export type Migration = string | ((db: Connection) => void);

// `never`: each function has an input of its own.
type Run = (db: Connection, input: never) => unknown;

/** What a room's module exports. */
export interface RoomModule {
  /** Names the room; its tables' names begin with it. */
  readonly room: string;
  readonly migrations: readonly Migration[];
  readonly reads?: Readonly<Record<string, Run>>;
  readonly writes?: Readonly<Record<string, Run>>;
}

type Reads<M extends RoomModule> = NonNullable<M['reads']>;
type Writes<M extends RoomModule> = NonNullable<M['writes']>;
type Input<F> = F extends (db: Connection, input: infer I) => unknown ? I : never;
type Output<F> = F extends (...args: never[]) => infer O ? O : never;
type Page<F> = Output<F> extends Iterable<infer P> ? P : never;

/** A room that is open. */
export interface OpenedRoom<M extends RoomModule> {
  /** @throws What the function throws, as an Error of the same message. */
  read<K extends keyof Reads<M> & string>(name: K, input: Input<Reads<M>[K]>): Promise<Output<Reads<M>[K]>>;
  /** The pages of a generator; it ends where the loop ends. */
  pages<K extends keyof Reads<M> & string>(
    name: K,
    input: Input<Reads<M>[K]>,
  ): AsyncGenerator<Page<Reads<M>[K]>>;
  /**
   * Durable when it resolves.
   * @throws AppError `log_unavailable` at once where nothing can be written; what the function throws.
   */
  write<K extends keyof Writes<M> & string>(
    name: K,
    input: Input<Writes<M>[K]>,
  ): Promise<Output<Writes<M>[K]>>;
}
