import type { Batch } from '../../../log-file/moving-store.ts';
import type { Sql } from '../driver.ts';
import { foldedText } from '../ops/unfolded.ts';
import { answerColumns, storable } from '../rows.ts';

/** Rows as one JSON parameter, so that their number is not bounded. */
const rows = (list: readonly object[]): string =>
  JSON.stringify(list, (_, value: unknown) => (typeof value === 'string' ? storable(value) : value));

/** Writes a batch of a move, and how far it has come. */
export const insertBatch = async (sql: Sql, batch: Batch, position: string): Promise<void> => {
  const { exchanges = [], threads = [], keys = [], verified = [], ended = [], facts = [], days = [] } = batch;
  const exchangeRows = exchanges.map((one) => ({
    ...{ id: one.id, visitor: one.visitor, name: one.name, cleared: one.cleared, more: one.more },
    ...{ said: one.user, at: one.timestamp },
    ...answerColumns(one),
    folded: foldedText(one.user, one.bot),
  }));
  // Queue positions matter only to messages that still run.
  if (exchanges.length > 0)
    await sql`
      insert into tp_exchanges
        (id, visitor, place, said, answer, error, truncated, tokens_in, tokens_out, at, name, cleared, more, sources, rating,
          comment, flagged, backend, model, queued_ms, first_word_ms, total_ms, tools, unanswered, folded)
      select id, visitor, 0, said, answer, error, coalesce(truncated, false), tokens_in, tokens_out, at, name,
        coalesce(cleared, false), more, sources, rating, comment, flagged, backend, model, queued_ms, first_word_ms, total_ms,
        tools, unanswered, folded
      from rows from (json_to_recordset(${rows(exchangeRows)}::text::json) as (
        id text, visitor text, said text, answer text, error text, truncated boolean, tokens_in float8,
        tokens_out float8, at float8, name text, cleared boolean, more text, sources jsonb, rating text,
        comment text, flagged jsonb, backend text, model text, queued_ms float8, first_word_ms float8, total_ms float8,
        tools jsonb, unanswered boolean, folded text)) with ordinality
      order by ordinality
      on conflict (id) do nothing`;
  if (threads.length > 0)
    await sql`
      insert into tp_visitors (key, thread_id, thread_made_by)
      select key, id, "madeBy" from json_to_recordset(
        ${rows(threads.map(([key, thread]) => ({ key, ...thread })))}::text::json) as t(key text, id text, "madeBy" text)
      on conflict (key) do update set thread_id = excluded.thread_id, thread_made_by = excluded.thread_made_by`;
  if (keys.length > 0)
    await sql`
      insert into tp_keys (key, id, at)
      select key, id, timestamp from json_to_recordset(
        ${rows(keys.map(([key, entry]) => ({ key, ...entry })))}::text::json) as t(key text, id text, timestamp float8)
      on conflict (key) do update set id = excluded.id, at = excluded.at`;
  if (verified.length > 0)
    await sql`
      insert into tp_vouched (id) select * from json_array_elements_text(${JSON.stringify(verified.map(storable))}::text::json)
      on conflict do nothing`;
  if (ended.length > 0)
    await sql`
      insert into tp_ended (token, until)
      select token, until from json_to_recordset(
        ${rows(ended.map(([token, until]) => ({ token, until })))}::text::json) as t(token text, until float8)
      on conflict do nothing`;
  if (facts.length > 0)
    await sql`
      insert into tp_facts (name, value, set_at)
      -- One after the other, as they were set.
      select name, value, clock_timestamp() from json_to_recordset(
        ${rows(facts.map(([name, value]) => ({ name, value })))}::text::json) as t(name text, value text)
      on conflict (name) do update set value = excluded.value, set_at = excluded.set_at`;
  if (days.length > 0)
    await sql`
      insert into tp_days (day, count)
      select day, count from json_to_recordset(
        ${rows(days.map(([day, count]) => ({ day, count })))}::text::json) as t(day text, count bigint)
      on conflict (day) do update set count = excluded.count`;
  await sql`
    insert into tp_meta (name, value) values ('moved', ${position})
    on conflict (name) do update set value = excluded.value`;
};
