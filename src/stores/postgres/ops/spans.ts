import { z } from 'zod';
import type { Database } from '../database.ts';
import type { Sql } from '../driver.ts';
import type { Fragment } from './filter.ts';

/** Times fall into classes, each 5 % wider than the one before: what is told of them is at most 2.5 % off. */
export const STEP = 1.05;

/** Only long spans are kept, in seconds: the figures of short ones are counted as fast as they are read. */
const LEAST_KEPT_S = 6 * 3_600;
/** A span is over so long after its end, in seconds. The triggers of schema.ts see to what comes later still. */
const OVER_AFTER_S = 2 * 3_600;

/** A stretch of time: from `start`, inclusive, to `stop`, exclusive. */
export interface Span {
  readonly start: number;
  readonly stop: number;
}

/** How many of the spans, from the first on, are over, so that their figures may be kept. */
export const countKept = (spans: readonly Span[], now: number): number => {
  const isKept = ({ start, stop }: Span) => stop - start >= LEAST_KEPT_S && stop <= now - OVER_AFTER_S;
  const first = spans.findIndex((span) => !isKept(span));
  return first < 0 ? spans.length : first;
};

/** The edges of the spans as an array of Postgres, read once a statement. */
const edgesOf = (sql: Sql, spans: readonly Span[]): Fragment => {
  const edges = [...spans.map(({ start }) => start), spans.at(-1)?.stop ?? 0];
  return sql`(select ${`{${edges.join(',')}}`}::text::float8[])`;
};

const within = (sql: Sql, spans: readonly Span[]): Fragment =>
  sql`at >= ${spans[0]?.start ?? 0}::float8 and at < ${spans.at(-1)?.stop ?? 0}::float8`;

/** The numbers of neighbouring spans, in one look at the exchanges. `bucket` counts the spans from 1. */
export const groupsIn = (sql: Sql, spans: readonly Span[]): Fragment => {
  const classOf = (ms: string) =>
    sql`case when ${sql(ms)} is not null then ceil(ln(greatest(${sql(ms)}, 1)) / ln(${STEP}::float8)) end`;
  return sql`
    select case when grouping(error) = 0 then 'error' when grouping(first_word) = 0 then 'first_word'
        when grouping(total) = 0 then 'total' when grouping(backend) = 0 then 'model' else 'bucket' end as set,
      bucket, coalesce(first_word, total) as class, backend, model, error,
      count(*) as messages, sum(failed) as failed, sum(flagged) as flagged, sum(unanswered) as unanswered,
      sum(up) as up, sum(down) as down,
      case when grouping(first_word) = 0 then sum(first_word_ms) else sum(total_ms) end as ms,
      sum(tokens_in) as input, sum(tokens_out) as output
    from (
      select width_bucket(at, ${edgesOf(sql, spans)}) as bucket, error, backend, model,
        ${classOf('first_word_ms')} as first_word, ${classOf('total_ms')} as total, first_word_ms, total_ms,
        (error is not null)::integer as failed, (flagged is not null)::integer as flagged,
        coalesce(unanswered, false)::integer as unanswered, (rating is not distinct from 'up')::integer as up,
        (rating is not distinct from 'down')::integer as down,
        coalesce(tokens_in, 0) as tokens_in, coalesce(tokens_out, 0) as tokens_out
      from tp_exchanges where ${within(sql, spans)}
    ) e
    group by grouping sets
      ((bucket), (bucket, first_word), (bucket, total), (bucket, backend, model), (bucket, error))`;
};

/** Who wrote in each of neighbouring spans. */
export const visitorsIn = (sql: Sql, spans: readonly Span[]): Fragment => sql`
  select width_bucket(at, ${edgesOf(sql, spans)}) as bucket, coalesce(visitor, 'a:') as owner,
    count(*) as messages, sum(coalesce(tokens_in, 0) + coalesce(tokens_out, 0)) as tokens
  from tp_exchanges where ${within(sql, spans)}
  group by 1, 2`;

/** Calls that were refused in each of neighbouring spans. */
export const refusedIn = (sql: Sql, spans: readonly Span[]): Fragment => sql`
  select width_bucket(at, ${edgesOf(sql, spans)}) as bucket, code, sum(count)::float8 as count
  from tp_refused where ${within(sql, spans)} group by 1, 2`;

/** The kept spans among these, as rows of their id and their number among `spans`, from 1. */
export const keptIn = (sql: Sql, spans: readonly Span[]): Fragment => {
  const wanted = spans.map(({ start, stop }, index) => ({ bucket: index + 1, start, stop }));
  return sql`
    select k.id, w.bucket from json_to_recordset(${JSON.stringify(wanted)}::text::json)
      as w(bucket integer, start float8, stop float8)
    join tp_spans k on k.start = w.start and k.stop = w.stop`;
};

/** Counts those of the spans that nobody has counted yet, and keeps their figures. */
export const keepSpans = async (database: Database, spans: readonly Span[]): Promise<void> => {
  if (spans.length === 0) return;
  const rows = await database.ask((sql) => keptIn(sql, spans));
  const kept = new Set(
    z
      .array(z.looseObject({ bucket: z.number() }))
      .parse([...rows])
      .map((row) => row.bucket),
  );
  for (const [index, span] of spans.entries()) {
    if (!kept.has(index + 1)) await database.transaction((sql) => keepSpan(sql, span));
  }
};

const keepSpan = async (sql: Sql, span: Span): Promise<void> => {
  // Waits for whoever changes something in a kept span, and keeps others from it: nothing is missed meanwhile.
  await sql`lock table tp_spans in share row exclusive mode`;
  const [made] = await sql`
    insert into tp_spans (start, stop) values (${span.start}::float8, ${span.stop}::float8)
    on conflict do nothing returning id`;
  if (!made) return;
  const { id } = z.looseObject({ id: z.number() }).parse(made);
  await sql`
    insert into tp_span_groups (span, set, class, backend, model, error, messages, failed, flagged, unanswered, up,
      down, ms, input, output)
    select ${id}::bigint, set, class, backend, model, error, messages, failed, flagged, unanswered, up, down, ms, input,
      output
    from (${groupsIn(sql, [span])}) g`;
  await sql`
    insert into tp_span_visitors (span, owner, messages, tokens)
    select ${id}::bigint, owner, messages, tokens from (${visitorsIn(sql, [span])}) v`;
};
