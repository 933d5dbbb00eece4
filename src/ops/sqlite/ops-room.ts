/** The operators' part of the database: what the database's workers import (sqlite/room.ts). */

import type { Connection } from '../../sqlite/connection.ts';
import * as counts from './counts.ts';
import * as erase from './erasure.ts';
import * as kept from './kept-counts.ts';
import { overview } from './overview.ts';
import * as search from './search.ts';

export { migrations } from './schema.ts';
export const room = 'ops';

export const reads = {
  conversations: search.conversations,
  exchanges: search.exchanges,
  opsExchange: search.opsExchange,
  backends: search.backends,
  overview,
  uncounted: kept.uncounted,
  dayUse: counts.dayUse,
  outboxState: counts.outboxState,
  auditLog: erase.auditLog,
};

export const writes = {
  // Read at each start: for the thread that is there, so that none is begun for it.
  openErasures: erase.openErasures,
  index: counts.index,
  keepCounts: kept.keepCounts,
  addUse: counts.addUse,
  addRefused: counts.addRefused,
  beginErasure: erase.beginErasure,
  eraseSome: erase.eraseSome,
  forgetVisitor: erase.forgetVisitor,
  threadDeleted: erase.threadDeleted,
  endErasure: erase.endErasure,
  eraseOlder: erase.eraseOlder,
  audit: (db: Connection, line: Parameters<typeof erase.addAudit>[1]): void => erase.addAudit(db, line),
  enqueue: counts.enqueue,
  due: counts.due,
  delivered: counts.delivered,
  notDelivered: counts.notDelivered,
};
