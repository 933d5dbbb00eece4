/**
 * What operators need beside the core's tables (stores/sqlite/schema.ts). Times are seconds since 1970.
 *
 * Triggers keep it in step with exchanges that are changed or erased. They are plain SQL: whatever writes the core's
 * tables need not know of this room.
 */

import type { Migration } from '../../sqlite/room.ts';

/** Length of the stretches in which figures are summed up, in seconds: every time zone's hours are made of them. */
export const QUARTER_S = 900;

const DIRTY = (row: 'old' | 'new') =>
  `INSERT OR REPLACE INTO ops_dirty (quarter) VALUES (CAST(floor(${row}.at / ${QUARTER_S}) AS INTEGER))`;

export const migrations: readonly Migration[] = [
  `
  -- Message and answer as they are searched; filled behind the core's tables, see follower.ts.
  CREATE TABLE ops_texts (seq INTEGER PRIMARY KEY, folded TEXT NOT NULL) STRICT;
  CREATE TRIGGER ops_text_gone AFTER DELETE ON texts BEGIN DELETE FROM ops_texts WHERE seq = old.seq; END;

  -- A visitor's exchanges in the order of their times, with what a row of the list counts.
  CREATE INDEX ops_visitor ON exchanges (visitor, at, seq, error, rating, flagged, unanswered);
  CREATE INDEX ops_failed ON exchanges (at, seq) WHERE error IS NOT NULL;
  CREATE INDEX ops_rated ON exchanges (rating, at, seq) WHERE rating IS NOT NULL;
  CREATE INDEX ops_unanswered ON exchanges (at, seq) WHERE unanswered = 1;
  CREATE INDEX ops_flagged ON exchanges (at, seq) WHERE flagged = 1;

  -- Quarters of an hour whose figures must be counted again: something in them was changed or erased.
  CREATE TABLE ops_dirty (id INTEGER PRIMARY KEY AUTOINCREMENT, quarter INTEGER NOT NULL UNIQUE) STRICT;
  CREATE TRIGGER ops_exchange_gone AFTER DELETE ON exchanges BEGIN ${DIRTY('old')}; END;
  CREATE TRIGGER ops_exchange_rated AFTER UPDATE OF rating ON exchanges BEGIN ${DIRTY('new')}; END;

  -- Who has answered, for the filter.
  CREATE TABLE ops_backends (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  INSERT INTO ops_backends SELECT DISTINCT backend FROM exchanges WHERE backend IS NOT NULL;
  CREATE TRIGGER ops_backend AFTER INSERT ON exchanges WHEN new.backend IS NOT NULL
    BEGIN INSERT OR IGNORE INTO ops_backends (name) VALUES (new.backend); END;

  -- What was used by day; visitor '' is the whole site.
  CREATE TABLE ops_use (
    day TEXT NOT NULL, visitor TEXT NOT NULL, tokens REAL NOT NULL, cost REAL NOT NULL, PRIMARY KEY (day, visitor)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX ops_use_visitor ON ops_use (visitor);
  CREATE TABLE ops_refused (
    quarter INTEGER NOT NULL, code TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (quarter, code)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE ops_erasures (
    visitor TEXT PRIMARY KEY, at REAL NOT NULL, by_whom TEXT NOT NULL, thread_id TEXT, thread_made_by TEXT,
    erased INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE ops_audit (
    n INTEGER PRIMARY KEY, at REAL NOT NULL, by_whom TEXT NOT NULL, action TEXT NOT NULL, count INTEGER NOT NULL,
    subject TEXT
  ) STRICT;

  -- Events for the webhook; next: when to try, null: given up.
  CREATE TABLE ops_outbox (
    id TEXT PRIMARY KEY, type TEXT NOT NULL, visitor TEXT, at REAL NOT NULL, body TEXT NOT NULL, tries INTEGER NOT NULL,
    next REAL, reason TEXT
  ) STRICT;
  CREATE INDEX ops_outbox_next ON ops_outbox (next) WHERE next IS NOT NULL;
  CREATE INDEX ops_outbox_visitor ON ops_outbox (visitor) WHERE visitor IS NOT NULL;
  `,
  `
  -- The figures of each quarter of an hour, see kept-counts.ts; a row whose figures change gets another id.
  CREATE TABLE ops_quarters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, quarter INTEGER NOT NULL UNIQUE, sums TEXT NOT NULL
  ) STRICT;
  -- The highest exchanges.seq and ops_dirty.id that are in them.
  CREATE TABLE ops_counted (seq INTEGER NOT NULL, dirty INTEGER NOT NULL) STRICT;
  INSERT INTO ops_counted VALUES (0, 0);
  `,
];
