import { makeWordIndex } from './ops/word-index.ts';

/**
 * The steps that make the tables, each applied once, in order. What a release has applied is never changed: a new step
 * changes it. Processes of the release before may still be running: a step must let them, so that tables and columns
 * keep their first names.
 *
 * Texts that are keys are compared byte by byte ("C"), so that the database's language has no say in who is who.
 */
export const STEPS: readonly string[] = [
  `
  create table tp_meta (name text primary key, value text not null);

  -- Running processes, each with a counter that goes up as long as it runs.
  create table tp_processes (id text primary key, beat bigint not null default 0);

  create table tp_visitors (
    key text collate "C" primary key,
    -- The queue position that was last given to a message of the visitor.
    next bigint not null default 0,
    -- Messages that are accepted and not finished.
    waiting integer not null default 0,
    -- Exchanges up to these queue positions were cleared, or removed from the log.
    cleared bigint not null default 0,
    dropped bigint not null default 0,
    thread_id text,
    thread_made_by text,
    messages bigint not null default 0,
    last_seen double precision,
    name text
  ) with (fillfactor = 70);
  create index tp_visitors_by_name on tp_visitors (name collate "C", key) where name is not null;

  -- Messages that are accepted and not finished.
  create table tp_taken (
    id text collate "C" primary key,
    visitor text collate "C" not null,
    -- The queue position.
    place bigint not null,
    -- Who runs it; null where that process is gone.
    process text,
    said text not null,
    at double precision not null,
    key text,
    name text,
    stop boolean not null default false,
    -- Set where the message counts as never accepted.
    undone timestamptz
  );
  create index tp_taken_by_place on tp_taken (visitor, place);
  create index tp_taken_left on tp_taken (id) where process is null;
  create index tp_taken_to_stop on tp_taken (process) where stop;

  create table tp_exchanges (
    seq bigint generated always as identity primary key,
    id text collate "C" not null unique,
    -- Null: nobody's, of an older log.
    visitor text collate "C",
    place bigint not null,
    said text not null,
    answer text,
    error text,
    truncated boolean not null default false,
    tokens_in double precision,
    tokens_out double precision,
    at double precision not null,
    name text,
    cleared boolean not null default false,
    -- What an older log has beside, as JSON.
    more text
  );
  create index tp_exchanges_by_visitor on tp_exchanges (visitor, cleared, seq);
  create index tp_exchanges_by_time on tp_exchanges (at);

  create table tp_keys (
    key text collate "C" primary key,
    id text not null,
    at double precision not null,
    -- Whether the key may be used again: its message has failed.
    free boolean not null default false
  );
  create index tp_keys_by_time on tp_keys (at);

  create table tp_vouched (id text collate "C" primary key);
  create table tp_ended (token text collate "C" primary key, until double precision not null);
  create table tp_facts (name text collate "C" primary key, value text not null, set_at timestamptz not null default now());
  create table tp_days (day text collate "C" primary key, count bigint not null);

  -- Calls in the present windows: not worth a write-ahead log. A crash of the database starts them again.
  create unlogged table tp_calls (key text collate "C" primary key, count bigint not null, resets timestamptz not null);
  `,
  `
  -- How a run went, what its answer quotes, and what its visitor thought of it.
  alter table tp_exchanges
    add column sources jsonb,
    add column rating text,
    add column comment text,
    add column flagged jsonb,
    add column backend text,
    add column model text,
    add column queued_ms double precision,
    add column first_word_ms double precision,
    add column total_ms double precision,
    add column tools jsonb,
    add column unanswered boolean;

  -- Numbers the messages of all days. A sequence, because a counter in a row would be locked until its message is on
  -- the disk: all accepted messages of the site would wait for each other.
  create sequence tp_message_numbers;
  -- The number of the last message before the day; null where its messages are counted by "count" alone.
  alter table tp_days add column base bigint;
  `,
  `
  -- What operators read. The folded text is what they search; null: not made yet.
  alter table tp_exchanges add column folded text;
  create index tp_exchanges_unfolded on tp_exchanges (seq) where folded is null;
  create index tp_exchanges_by_at on tp_exchanges (at, seq);
  drop index tp_exchanges_by_time;
  create index tp_exchanges_by_owner on tp_exchanges ((coalesce(visitor, 'a:')), at, seq);
  create index tp_exchanges_failed on tp_exchanges (at, seq) where error is not null;
  create index tp_exchanges_rated on tp_exchanges (rating, at, seq) where rating is not null;
  create index tp_exchanges_unanswered on tp_exchanges (at, seq) where unanswered;
  create index tp_exchanges_flagged on tp_exchanges (at, seq) where flagged is not null;
  create index tp_exchanges_by_backend on tp_exchanges (backend, at, seq) where backend is not null;
  create index tp_keys_by_id on tp_keys (id);

  -- Tokens and money by day, of each visitor, and of the site under the empty name.
  create table tp_use (
    day text collate "C", owner text collate "C", tokens double precision not null, cost double precision not null,
    primary key (day, owner)
  ) with (fillfactor = 70);
  create index tp_use_by_owner on tp_use (owner);
  -- Calls that were refused, by the quarter of an hour that began at "at".
  create table tp_refused (
    at double precision, code text collate "C", count bigint not null, primary key (at, code)
  ) with (fillfactor = 70);
  -- Visitors who are being erased.
  create table tp_erasures (
    visitor text collate "C" primary key, at double precision not null, by text not null,
    thread_id text, thread_made_by text, erased bigint not null default 0
  );
  create table tp_audit (
    seq bigint generated always as identity primary key, at double precision not null, by text not null,
    action text not null, count bigint not null, subject text
  );
  create index tp_audit_by_at on tp_audit (at, seq);
  -- Events for the site's webhook; "next" is when to try again: null where they are given up.
  create table tp_outbox (
    id text collate "C" primary key, type text not null, visitor text collate "C", at double precision not null,
    body text not null, tries integer not null default 0, reason text not null default '', next double precision
  );
  create index tp_outbox_due on tp_outbox (next) where next is not null;
  create index tp_outbox_by_visitor on tp_outbox (visitor) where visitor is not null;
  `,
  `
  -- Figures of stretches of time that are over, such as days, so that an overview need not look at each exchange.
  -- No foreign keys: their checks would take longer than all the rest.
  create table tp_spans (
    id bigint generated always as identity primary key, start double precision not null, stop double precision not null,
    unique (start, stop)
  );
  create table tp_span_groups (
    span bigint not null, set text not null, class double precision,
    backend text, model text, error text, messages bigint not null, failed bigint not null, flagged bigint not null,
    unanswered bigint not null, up bigint not null, down bigint not null, ms double precision,
    input double precision not null, output double precision not null
  );
  create index tp_span_groups_by_span on tp_span_groups (span);
  create table tp_span_visitors (
    span bigint not null, owner text collate "C" not null,
    messages bigint not null, tokens double precision not null
  );
  create index tp_span_visitors_by_span on tp_span_visitors (span);

  -- What is changed, erased or comes late makes the figures of its time void. What is new cannot be in any of them, so
  -- that the conditions spare it the call.
  create function tp_void_spans() returns trigger language plpgsql as $void$
    declare moment double precision;
    begin
      if tg_op = 'DELETE' then moment := old.at; else moment := new.at; end if;
      execute format('with gone as (delete from %1$I.tp_spans where start <= $1 and stop > $1 returning id),
        groups as (delete from %1$I.tp_span_groups g using gone where g.span = gone.id)
        delete from %1$I.tp_span_visitors v using gone where v.span = gone.id', tg_table_schema) using moment;
      return null;
    end
  $void$;
  create trigger tp_exchange_late after insert on tp_exchanges for each row
    when (new.at < extract(epoch from now()) - 3600) execute function tp_void_spans();
  create trigger tp_exchange_rated after update of rating on tp_exchanges for each row
    when (old.rating is distinct from new.rating and new.at < extract(epoch from now()) - 3600)
    execute function tp_void_spans();
  create trigger tp_exchange_gone after delete on tp_exchanges for each row
    when (old.at < extract(epoch from now()) - 3600) execute function tp_void_spans();
  `,
  `
  -- The same, planned once a session where the tables are found by their names alone: to plan it for each row was most of
  -- what late rows cost.
  create or replace function tp_void_spans() returns trigger language plpgsql as $void$
    declare moment double precision;
    begin
      if tg_op = 'DELETE' then moment := old.at; else moment := new.at; end if;
      if current_schema() = tg_table_schema then
        if not exists (select from tp_spans where start <= moment and stop > moment) then return null; end if;
        with gone as (delete from tp_spans where start <= moment and stop > moment returning id),
          groups as (delete from tp_span_groups g using gone where g.span = gone.id)
        delete from tp_span_visitors v using gone where v.span = gone.id;
      else
        -- Somebody's own statement, from another schema.
        execute format('with gone as (delete from %1$I.tp_spans where start <= $1 and stop > $1 returning id),
          groups as (delete from %1$I.tp_span_groups g using gone where g.span = gone.id)
          delete from %1$I.tp_span_visitors v using gone where v.span = gone.id', tg_table_schema) using moment;
      end if;
      return null;
    end
  $void$;
  `,
  // Trigrams of the searched texts.
  makeWordIndex(10_000),
];
