import type { GroupCommit } from './group-commit.ts';
import type { ReadResult } from './protocol.ts';
import { StoreError } from './protocol.ts';
import type { OpenedRoom, RoomModule } from './room.ts';
import type { DatabaseWorker } from './worker-handle.ts';

/** What `read` gave that was a page. */
const singleValue = (result: ReadResult): unknown => {
  if ('value' in result) return result.value;
  throw new StoreError({ message: 'it gives pages: read it with pages()' });
};

/** The functions of a room's module, called in the store's workers. Its tables must be there. */
export const roomOf = <M extends RoomModule>(
  url: URL,
  { writer, reader }: { writer: GroupCommit; reader: DatabaseWorker },
): OpenedRoom<M> => {
  const room = url.href;
  // What comes back was copied from what a function of that type gave.
  const typed = <T>(value: unknown): T => value as T;
  return {
    read: async (name, input) => {
      const result = await reader.ask({ type: 'read', call: { room, name, input } });
      return typed(singleValue(typed<ReadResult>(result)));
    },
    async *pages(name, input) {
      const of = reader.newId();
      let result = typed<ReadResult>(await reader.ask({ type: 'read', call: { room, name, input } }, of));
      try {
        while ('page' in result) {
          yield typed(result.page);
          result = typed<ReadResult>(await reader.ask({ type: 'next', of }));
        }
      } finally {
        if (!('end' in result)) await reader.ask({ type: 'stop', of }).catch(() => undefined);
      }
    },
    write: async (name, input) => typed(await writer.write({ room, name, input }, { urgency: 'now' })),
  };
};
