import { type AcceptedMessage, type Exchange, type Visitor, visitorKey } from '../../chat/model.ts';
import type { MessageLog, Transcript } from '../../chat/store-port.ts';
import type { GroupCommit } from '../../sqlite/group-commit.ts';
import type { Call } from '../../sqlite/protocol.ts';
import type { Look } from './look.ts';
import type { Overlay } from './overlay.ts';

/** The folder is this process's alone, whose messages wait for each other already. */
const mayRun = async (): Promise<void> => {};

/** UTF-16 units of an exchange's texts. */
const lengthOf = ({ user, bot }: { user: string; bot?: string | null }): number =>
  user.length + (bot?.length ?? 0);

/** Without what an exchange has beside. */
const messageOf = ({ id, visitor, user, timestamp, key, name }: AcceptedMessage): AcceptedMessage => ({
  ...{ id, visitor, user, timestamp },
  ...(key !== undefined && { key }),
  ...(name !== undefined && { name }),
});

/** Messages and exchanges: what is written, and what is read of both until it is on the disk. */
export const createMessageLog = (deps: {
  writer: GroupCommit;
  look: Look;
  overlay: Overlay;
  callOf: (name: string, input: unknown) => Call;
}): MessageLog & Pick<Transcript, 'exchange' | 'recent'> => {
  const { writer, look, overlay, callOf } = deps;
  const interrupted = new Set(overlay.accepted.keys());
  const finishing = new Map<string, Promise<unknown>>();

  /** The visitor's thread and last exchange, with what is on its way to the disk. */
  const standingOf = async (visitor: Visitor) => {
    const key = visitorKey(visitor);
    const stored = await look('standing', key);
    return {
      thread: overlay.threads.has(key) ? (overlay.threads.get(key) ?? null) : stored.thread,
      lastSeen: overlay.finished(visitor).at(-1)?.timestamp ?? stored.lastSeen,
    };
  };

  return {
    async accept(given) {
      const message = messageOf(given);
      const { id, key } = message;
      const bytes = lengthOf(message);
      const undo = callOf('refuse', { id, key });
      const written = writer.write(callOf('accept', message), { urgency: 'now', bytes, undo });
      overlay.accepted.set(id, message);
      if (key !== undefined) overlay.keys.keep(key, id, written);
      try {
        await written;
      } catch (error) {
        overlay.accepted.delete(id);
        throw error;
      }
      // It is accepted, whatever becomes of this: the run asks again for what is missing.
      const standing = await standingOf(message.visitor).catch(() => undefined);
      return { type: 'accepted', mayRun, ...standing };
    },

    async finish(exchange) {
      const { id } = exchange;
      let written = finishing.get(id);
      if (!written) {
        written = writer.write(callOf('finish', exchange), { urgency: 'waits', bytes: lengthOf(exchange) });
        finishing.set(id, written);
        // Read from here before it is durable: while the disk is out the visitor's next turn is still told of it.
        const { key: _, ...told } = exchange;
        overlay.finish(told, written);
        const ended = (): boolean => finishing.delete(id);
        written.then(ended, ended);
      }
      await written;
      overlay.accepted.delete(id);
    },

    async keyed(key) {
      return overlay.keys.get(key) ?? look('keyed', key);
    },
    async unfinished(id) {
      return overlay.finishing(id) ? undefined : overlay.accepted.get(id);
    },
    // There is no other process that could be asked, or ask.
    async requestStop() {},
    onStopRequested() {},
    async interrupted() {
      return [...overlay.accepted.values()].filter(({ id }) => interrupted.has(id));
    },

    async exchange(id) {
      return overlay.finishing(id) ?? look('exchange', id);
    },
    async recent(visitor, { limit, before }) {
      const pending = overlay.finished(visitor);
      const key = visitorKey(visitor);
      if (pending.length === 0) return look('recent', { visitor: key, limit, before });
      const end = before === undefined ? pending.length : pending.findIndex(({ id }) => id === before);
      // An older page than those that are being written.
      if (end < 0) return look('recent', { visitor: key, limit, before });
      const ids = new Set(pending.map(({ id }) => id));
      const stored: Exchange[] = await look('recent', { visitor: key, limit: limit + ids.size });
      const newest = pending.slice(0, end).reverse();
      return [...newest, ...stored.filter(({ id }) => !ids.has(id))].slice(0, limit);
    },
  };
};
