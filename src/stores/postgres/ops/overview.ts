import { z } from 'zod';
import { visitorOf } from '../../../chat/model.ts';
import type { Clock } from '../../../chat/ports.ts';
import type { Figures, ModelUse, OpsReads, Overview, Percentiles } from '../../../ops/ops-port.ts';
import type { Database } from '../database.ts';
import type { Sql } from '../driver.ts';
import type { Fragment } from './filter.ts';
import { countKept, groupsIn, keepSpans, keptIn, refusedIn, type Span, STEP, visitorsIn } from './spans.ts';

const MOST_FAILURES = 20;
const MOST_VISITORS = 10;

const numbers = { messages: z.number(), failed: z.number(), flagged: z.number(), unanswered: z.number() };
/** A group of exchanges: of one bucket, and of one class of times or one model; or of one error code. */
const groupRow = z.object({
  set: z.enum(['bucket', 'first_word', 'total', 'model', 'error']),
  bucket: z.number(),
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

/** The figures of all spans: those that are kept, and those of the others, which are counted now. */
const allGroups = (sql: Sql, kept: readonly Span[], live: readonly Span[]): Fragment => sql`
  select g.set, k.bucket, g.class, g.backend, g.model, g.error, g.messages, g.failed, g.flagged, g.unanswered, g.up,
    g.down, g.ms, g.input, g.output
  from (${keptIn(sql, kept)}) k join tp_span_groups g on g.span = k.id
  ${
    live.length === 0
      ? sql``
      : sql`union all select set, bucket + ${kept.length}::integer, class, backend, model, error,
    messages, failed, flagged, unanswered, up, down, ms, input, output from (${groupsIn(sql, live)}) l`
  }`;

/** Who wrote, in all and in each span, and who the most. */
const allVisitors = (sql: Sql, kept: readonly Span[], live: readonly Span[]): Fragment => sql`
  with per as materialized (
    select k.bucket, v.owner, v.messages, v.tokens
    from (${keptIn(sql, kept)}) k join tp_span_visitors v on v.span = k.id
    ${live.length === 0 ? sql`` : sql`union all select bucket + ${kept.length}::integer, owner, messages, tokens from (${visitorsIn(sql, live)}) l`}
  ), owners as (select owner, sum(messages) as messages, sum(tokens) as tokens from per group by owner),
  most as (select * from owners order by messages desc, owner limit ${MOST_VISITORS})
  select (select count(*) from owners) as all,
    (select coalesce(json_agg(json_build_array(bucket, count)), '[]')
      from (select bucket, count(*) as count from per group by bucket) b) as per_bucket,
    (select coalesce(json_agg(json_build_object(
        'owner', owner, 'name', name, 'messages', m.messages, 'tokens', tokens) order by m.messages desc, owner), '[]')
      from most m left join tp_visitors v on v.key = m.owner) as busiest`;

const failuresOf = (groups: readonly Group[]): Overview['failures'] => {
  const counts = new Map<string, number>();
  for (const { set, error, messages } of groups) {
    if (set === 'error' && error !== null) counts.set(error, (counts.get(error) ?? 0) + messages);
  }
  return [...counts]
    .map(([code, count]) => ({ code, count }))
    .toSorted((a, b) => b.count - a.count || a.code.localeCompare(b.code))
    .slice(0, MOST_FAILURES);
};

export const createOverview =
  ({ database, clock }: { database: Database; clock: Clock }): OpsReads['overview'] =>
  async (edges) => {
    const spans = edges.slice(1).map((stop, index): Span => ({ start: edges[index] ?? 0, stop }));
    const count = countKept(spans, clock.now() / 1000);
    const [kept, live] = [spans.slice(0, count), spans.slice(count)];
    await keepSpans(database, kept);
    // One after the other: together they would take two processors.
    const groupRows = await database.ask((sql) => allGroups(sql, kept, live));
    const visitorRows = await database.ask((sql) => allVisitors(sql, kept, live));
    const refusedRows = await database.ask((sql) => refusedIn(sql, spans));
    const groups = z.array(groupRow).parse([...groupRows]);
    const refused = z.array(refusedRow).parse([...refusedRows]);
    const { all, per_bucket: perBucket, busiest } = visitorsRow.parse(visitorRows[0]);
    const visitors = new Map(perBucket);
    const groupsOf = Map.groupBy(groups, ({ bucket }) => bucket);
    const refusedOf = Map.groupBy(refused, ({ bucket }) => bucket);
    return {
      total: figuresOf(groups, all, refused),
      buckets: spans.map((_, index) =>
        figuresOf(
          groupsOf.get(index + 1) ?? [],
          visitors.get(index + 1) ?? 0,
          refusedOf.get(index + 1) ?? [],
        ),
      ),
      failures: failuresOf(groups),
      busiest: busiest.map(({ owner, name, messages, tokens }) => ({
        visitor: visitorOf(owner),
        ...(name !== null && { name }),
        ...{ messages, tokens },
      })),
    };
  };
