import type { SqliteStore } from '../../stores/sqlite/sqlite-store.ts';
import type { OpsStore, Overview } from '../ops-port.ts';
import { createSearchIndex } from './search-index.ts';

const ROOM = new URL('./ops-room.ts', import.meta.url);

/** Opens the operators' part of the embedded store. @throws Error where its tables are of a newer version. */
export const openSqliteOps = async (store: SqliteStore): Promise<OpsStore & { stop(): void }> => {
  const room = await store.openRoom<typeof import('./ops-room.ts')>(ROOM, { ownReader: true });
  // For what each start asks: a thread for long reads is not started for it.
  const quick = await store.openRoom<typeof import('./ops-room.ts')>(ROOM);
  const index = createSearchIndex(
    (limit) => room.write('index', limit),
    (listener) => store.onChange(listener),
  );

  const overview = async (edges: readonly number[]): Promise<Overview> => {
    // The pages before the last one say how far the counting is.
    for await (const page of room.pages('overview', edges)) if (typeof page !== 'number') return page;
    throw new Error('the overview ended without its figures');
  };

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
    overview,
    backends: () => room.read('backends', undefined),

    addUse: (day, visitor, use) => room.write('addUse', { day, visitor, use }),
    dayUse: (day, visitor) => room.read('dayUse', { day, visitor }),
    addRefused: (at, counts) => room.write('addRefused', { at, counts }),

    beginErasure: async (wish) => {
      const thread = await store.thread(wish.visitor);
      const erasure = await room.write('beginErasure', { ...wish, thread });
      if (thread) store.setThread(wish.visitor, undefined);
      return erasure;
    },
    openErasures: () => quick.read('openErasures', undefined),
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
    stop: index.stop,
  };
};
