/**
 * The core's tables.
 *
 * An exchange is a row of `exchanges`, narrow, so that counting over a long time reads little, and one of `texts`
 * with the same `seq`. Times are seconds since 1970. `seq` grows with arrival and is never used again.
 */

import type { Migration } from '../../sqlite/room.ts';

export const migrations: readonly Migration[] = [
  `
  -- Who has ever had an exchange or a thread.
  CREATE TABLE visitors (
    ref INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,        -- visitorKey(): u:…, v:… or a:…
    list INTEGER NOT NULL,           -- whose exchanges stand under one key of conversations.json; 0: anonymous
    name TEXT,                       -- what the visitor last called itself
    messages INTEGER NOT NULL,       -- exchanges that were not cleared
    last_seen REAL,                  -- when the last of them came
    last_time REAL,                  -- the highest exchanges.time
    thread_id TEXT, thread_made_by TEXT
  ) STRICT;
  CREATE INDEX visitors_name ON visitors (name, key) WHERE name IS NOT NULL AND messages > 0;

  CREATE TABLE exchanges (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    visitor INTEGER,                 -- visitors.ref; null: nobody's, of an older log
    list INTEGER NOT NULL,           -- as in visitors; -1: a key that is no visitor's, in texts.more
    time REAL NOT NULL,              -- at, or that of an earlier one in its list where that is later
    at REAL NOT NULL,                -- when the message came
    answered INTEGER NOT NULL,       -- 1: there is an answer
    error TEXT,                      -- why there is none
    truncated INTEGER NOT NULL,
    cleared INTEGER NOT NULL,        -- 1: its visitor cleared it; it is told to nobody but operators
    rating TEXT,                     -- up or down
    flagged INTEGER NOT NULL,        -- 1: moderation refused the message
    unanswered INTEGER NOT NULL,     -- 1: the assistant said that it does not know
    tokens_in REAL, tokens_out REAL,
    backend TEXT, model TEXT,
    queued_ms REAL, first_word_ms REAL, total_ms REAL,
    archive INTEGER                  -- archives.id; null: it stands in conversations.json
  ) STRICT;
  CREATE INDEX exchanges_visitor ON exchanges (visitor, time) WHERE visitor IS NOT NULL;
  CREATE INDEX exchanges_at ON exchanges (at);
  CREATE INDEX exchanges_live ON exchanges (time, list) WHERE archive IS NULL;
  CREATE INDEX exchanges_archive ON exchanges (archive) WHERE archive IS NOT NULL;

  CREATE TABLE texts (
    seq INTEGER PRIMARY KEY,
    said TEXT NOT NULL,
    answer TEXT,
    name TEXT,
    comment TEXT,                    -- of the feedback
    sources TEXT, flagged TEXT, tools TEXT,  -- JSON
    more TEXT                        -- JSON: what an older log had beside, see log-row.ts
  ) STRICT;

  -- Files of the archive; written: 0 the file lacks something or has what was erased, 1 it is right, 2 it is being
  -- written.
  CREATE TABLE archives (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, written INTEGER NOT NULL) STRICT;

  -- Messages that are not finished.
  CREATE TABLE accepted (
    id TEXT PRIMARY KEY, visitor TEXT NOT NULL, said TEXT NOT NULL, at REAL NOT NULL, key TEXT, name TEXT
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE keys (key TEXT PRIMARY KEY, id TEXT NOT NULL, at REAL NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX keys_at ON keys (at);
  CREATE TABLE ended (token TEXT PRIMARY KEY, until REAL NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX ended_until ON ended (until);
  CREATE TABLE verified (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE facts (n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, value TEXT NOT NULL) STRICT;
  CREATE TABLE days (day TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE room_versions (room TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  `,
  `
  -- Messages of a day by whose share they are of; key: the day, then who.
  CREATE TABLE shares (key TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  `,
];
