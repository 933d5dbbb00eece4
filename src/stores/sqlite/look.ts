import type { Connection } from '../../sqlite/connection.ts';
import type { OpenedRoom } from '../../sqlite/room.ts';
import { reads } from './core-reads.ts';

type Reads = typeof reads;
type Input<K extends keyof Reads> = Reads[K] extends (db: Connection, input: infer I) => unknown ? I : never;

/** A short look-up in the database. */
export type Look = <K extends keyof Reads>(name: K, input: Input<K>) => Promise<ReturnType<Reads[K]>>;

/**
 * Looks up at once on the service's own connection where readers never wait for the writer, and otherwise on the
 * reader's thread.
 */
export const createLook = (
  own: (() => Connection) | undefined,
  slow: OpenedRoom<typeof import('./core-reads.ts')>,
): Look =>
  own
    ? async (name, input) => {
        const read: (db: Connection, input: never) => unknown = reads[name];
        // `name` chooses both types.
        return read(own(), input as never) as ReturnType<Reads[typeof name]>;
      }
    : async (name, input) => {
        const found: unknown = await slow.read(name, input as never);
        return found as ReturnType<Reads[typeof name]>;
      };
