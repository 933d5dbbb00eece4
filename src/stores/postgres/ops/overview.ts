import { z } from 'zod';
import { visitorOf } from '../../../chat/model.ts';
import type { Figures, ModelUse, OpsReads, Overview, Percentiles } from '../../../ops/ops-port.ts';
import type { Database } from '../database.ts';
import type { Sql } from '../driver.ts';

/** Times fall into classes, each 5 % wider than the one before: what is told of them is at most 2.5 % off. */
const STEP = 1.05;
const MOST_FAILURES = 20;
const MOST_VISITORS = 10;

const numbers = { messages: z.number(), failed: z.number(), flagged: z.number(), unanswered: z.number() };
/** A group of exchanges: of one bucket, and of one class of times or one model; or of one error code. */
const groupRow = z.object({
  set: z.enum(['bucket', 'first_word', 'total', 'model', 'error']),
  bucket: z.number().nullable(),
  class: z.number().nullable(),
  backend: z.string().nullable(),
  model: z.string().nullable(),
  error: z.string().nullable(),
  ...numbers,
  up: z.number(),
  down: z.number(),
  ms: z.number().nullable(),
  input: z.number(),
  output: z.number(),
});
type Group = z.infer<typeof groupRow>;

const visitorsRow = z.object({
  all: z.number(),
  per_bucket: z.array(z.tuple([z.number(), z.number()])),
  busiest: z.array(
    z.object({ owner: z.string(), name: z.string().nullable(), messages: z.number(), tokens: z.number() }),
  ),
});
const refusedRow = z.object({ bucket: z.number(), code: z.string(), count: z.number() });

/** The edges as an array of Postgres. */
const arrayOf = (edges: readonly number[]): string => `{${edges.join(',')}}`;

/** Times of one kind, as counts by class. */
const percentilesOf = (groups: readonly Group[]): Percentiles | undefined => {
  const counts = new Map<number, number>();
  let sum = 0;
  let all = 0;
  for (const { class: number, messages, ms } of groups) {
    if (number === null) continue;
    counts.set(number, (counts.get(number) ?? 0) + messages);
    all += messages;
    sum += ms ?? 0;
  }
  if (all === 0) return undefined;
  const classes = [...counts].toSorted(([a], [b]) => a - b);
  const at = (share: number): number => {
    let left = Math.ceil(share * all);
    for (const [number, count] of classes) {
      left -= count;
      if (left <= 0) return STEP ** (number - 0.5);
    }
    return 0;
  };
  return { mean: sum / all, p50: at(0.5), p95: at(0.95) };
};

const modelsOf = (groups: readonly Group[]): ModelUse[] => {
  const models = new Map<string, ModelUse>();
  for (const { backend, model, messages, input, output } of groups) {
    if (backend === null && input + output === 0) continue;
    const name = JSON.stringify([backend, model]);
    const before = models.get(name) ?? { runs: 0, input: 0, output: 0 };
    models.set(name, {
      backend: backend ?? '',
      model: model ?? '',
      runs: before.runs + messages,
      input: before.input + input,
      output: before.output + output,
    });
  }
  return [...models.values()];
};

const figuresOf = (
  groups: readonly Group[],
  visitors: number,
  refused: readonly z.infer<typeof refusedRow>[],
): Figures => {
  const of = (set: Group['set']): Group[] => groups.filter((group) => group.set === set);
  const sum = (field: 'messages' | 'failed' | 'flagged' | 'unanswered' | 'up' | 'down'): number =>
    of('bucket').reduce((all, group) => all + group[field], 0);
  const codes: Record<string, number> = {};
  for (const { code, count } of refused) codes[code] = (codes[code] ?? 0) + count;
  const [firstWordMs, totalMs] = [percentilesOf(of('first_word')), percentilesOf(of('total'))];
  return {
    ...{ messages: sum('messages'), failed: sum('failed'), flagged: sum('flagged') },
    ...{ unanswered: sum('unanswered'), up: sum('up'), down: sum('down'), visitors },
    ...(firstWordMs && { firstWordMs }),
    ...(totalMs && { totalMs }),
    models: modelsOf(of('model')),
    refused: codes,
  };
};

/** The numbers of each bucket, in one look at the exchanges. */
const groupsIn = (sql: Sql, edges: readonly number[]) => {
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
      select width_bucket(at, ${arrayOf(edges)}::text::float8[]) as bucket, error, backend, model,
        ${classOf('first_word_ms')} as first_word, ${classOf('total_ms')} as total, first_word_ms, total_ms,
        (error is not null)::integer as failed, (flagged is not null)::integer as flagged,
        coalesce(unanswered, false)::integer as unanswered, (rating is not distinct from 'up')::integer as up,
        (rating is not distinct from 'down')::integer as down,
        coalesce(tokens_in, 0) as tokens_in, coalesce(tokens_out, 0) as tokens_out
      from tp_exchanges where at >= ${edges[0] ?? 0}::float8 and at < ${edges.at(-1) ?? 0}::float8
    ) e
    group by grouping sets ((bucket), (bucket, first_word), (bucket, total), (bucket, backend, model), (error))`;
};

/** Who wrote, in all and in each bucket, and who the most. */
const visitorsIn = (sql: Sql, edges: readonly number[]) => sql`
  with per as materialized (
    select width_bucket(at, ${arrayOf(edges)}::text::float8[]) as bucket, coalesce(visitor, 'a:') as owner,
      count(*) as messages, sum(coalesce(tokens_in, 0) + coalesce(tokens_out, 0)) as tokens
    from tp_exchanges where at >= ${edges[0] ?? 0}::float8 and at < ${edges.at(-1) ?? 0}::float8
    group by 1, 2
  ), owners as (select owner, sum(messages) as messages, sum(tokens) as tokens from per group by owner),
  most as (select * from owners order by messages desc, owner limit ${MOST_VISITORS})
  select (select count(*) from owners) as all,
    (select coalesce(json_agg(json_build_array(bucket, count)), '[]')
      from (select bucket, count(*) as count from per group by bucket) b) as per_bucket,
    (select coalesce(json_agg(json_build_object(
        'owner', owner, 'name', name, 'messages', m.messages, 'tokens', tokens) order by m.messages desc, owner), '[]')
      from most m left join tp_visitors v on v.key = m.owner) as busiest`;

export const createOverview =
  ({ database }: { database: Database }): OpsReads['overview'] =>
  async (edges) => {
    const [groupRows, visitorRows, refusedRows] = await Promise.all([
      database.ask((sql) => groupsIn(sql, edges)),
      database.ask((sql) => visitorsIn(sql, edges)),
      database.ask(
        (sql) => sql`
          select width_bucket(at, ${arrayOf(edges)}::text::float8[]) as bucket, code, sum(count)::float8 as count
          from tp_refused where at >= ${edges[0] ?? 0}::float8 and at < ${edges.at(-1) ?? 0}::float8
          group by 1, 2`,
      ),
    ]);
    const groups = z.array(groupRow).parse([...groupRows]);
    const refused = z.array(refusedRow).parse([...refusedRows]);
    const { all, per_bucket: perBucket, busiest } = visitorsRow.parse(visitorRows[0]);
    const visitors = new Map(perBucket);
    const buckets = Array.from({ length: edges.length - 1 }, (_, index) =>
      figuresOf(
        groups.filter(({ bucket }) => bucket === index + 1),
        visitors.get(index + 1) ?? 0,
        refused.filter(({ bucket }) => bucket === index + 1),
      ),
    );
    const failures = groups
      .flatMap(({ set, error, messages }) =>
        set === 'error' && error !== null ? [{ code: error, count: messages }] : [],
      )
      .toSorted((a, b) => b.count - a.count || a.code.localeCompare(b.code))
      .slice(0, MOST_FAILURES);
    return {
      total: figuresOf(groups, all, refused),
      buckets,
      failures,
      busiest: busiest.map(({ owner, name, messages, tokens }) => ({
        visitor: visitorOf(owner),
        ...(name !== null && { name }),
        ...{ messages, tokens },
      })),
    } satisfies Overview;
  };
