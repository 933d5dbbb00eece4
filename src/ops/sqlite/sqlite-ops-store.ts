import type { SqliteStore } from '../../stores/sqlite/sqlite-store.ts';
import type { OpsStore } from '../ops-port.ts';
import { createFollower } from './follower.ts';

/** Texts that one write puts into the search index: a few milliseconds of the writer's time. */
const INDEXED_AT_ONCE = 250;

const ROOM = new URL('./ops-room.ts', import.meta.url);

/** Opens the operators' part of the embedded store. @throws Error where its tables are of a newer version. */
export const openSqliteOps = async (store: SqliteStore): Promise<OpsStore & { stop(): void }> => {
  const room = await store.openRoom<typeof import('./ops-room.ts')>(ROOM, { ownReader: true });
  // What is short does not wait behind what is long: each message may have to look up what is spent.
  const quick = await store.openRoom<typeof import('./ops-room.ts')>(ROOM);
  const onChange = (listener: () => void) => store.onChange(listener);
  const index = createFollower({
    step: async () => (await room.write('index', INDEXED_AT_ONCE)) === INDEXED_AT_ONCE,
    afterMs: 1_000,
    onChange,
  });
  const counting = createFollower({
    step: async () => {
      const found = await room.read('uncounted', undefined);
      if (found.quarters.length > 0) await room.write('keepCounts', found);
      return found.isMore;
    },
    afterMs: 60_000,
    onChange,
  });

  return {
    conversations: async (filter, page) => {
      if (filter.words) await index.complete();
      return room.read('conversations', { filter, page });
    },
    exchanges: async (filter, page) => {
      if (filter.words) await index.complete();
      return room.read('exchanges', { filter, page });
    },
    opsExchange: (id) => room.read('opsExchange', id),
    overview: async (edges) => {
      // While nothing can be written there is nothing new, either: what is counted is shown.
      await counting.complete().catch(() => undefined);
      return room.read('overview', edges);
    },
    backends: () => room.read('backends', undefined),

    addUse: (day, visitor, use) => room.write('addUse', { day, visitor, use }),
    dayUse: (day, visitor) => quick.read('dayUse', { day, visitor }),
    addRefused: (at, counts) => room.write('addRefused', { at, counts }),

    beginErasure: async (wish) => {
      const thread = await store.thread(wish.visitor);
      const erasure = await room.write('beginErasure', { ...wish, thread });
      if (thread) store.setThread(wish.visitor, undefined);
      return erasure;
    },
    openErasures: () => room.write('openErasures', undefined),
    eraseSome: (visitor, limit) => room.write('eraseSome', { visitor, limit }),
    scrub: async (visitor) => {
      // By the core's own way too, for what it keeps in memory.
      await store.clear(visitor, false);
      await room.write('forgetVisitor', visitor);
      await store.scrub({ visitor });
    },
    threadDeleted: (visitor) => room.write('threadDeleted', visitor),
    endErasure: async (visitor, audit) => {
      await room.write('endErasure', { visitor, audit });
      await store.scrub();
    },
    eraseOlder: (before, limit) => room.write('eraseOlder', { before, limit }),
    scrubOld: (before) => store.scrub({ before }),
    audit: (line) => room.write('audit', line),
    auditLog: (limit) => room.read('auditLog', limit),

    enqueue: (event) => room.write('enqueue', event),
    due: (now, leaseUntil, limit) => room.write('due', { now, leaseUntil, limit }),
    delivered: (id) => room.write('delivered', id),
    notDelivered: (id, reason, next) => room.write('notDelivered', { id, reason, next }),
    outboxState: () => room.read('outboxState', undefined),
    stop: () => {
      index.stop();
      counting.stop();
    },
  };
};
