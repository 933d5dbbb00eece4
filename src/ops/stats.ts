import type { OpsReads } from './ops-port.ts';
import type { Prices } from './prices.ts';

/** Seconds. */
const QUARTER_S = 900;

/** The figures of the last hours as JSON, for whoever builds on them. */
export const readStats = async (
  { overview }: Pick<OpsReads, 'overview'>,
  { hours, now, prices }: { hours: number; now: number; prices: Prices },
) => {
  // Figures are counted by quarters of an hour.
  const until = (Math.floor(now / 1000 / QUARTER_S) + 1) * QUARTER_S;
  const since = until - hours * 3_600;
  const { total, failures } = await overview([since, until]);
  const times = (one: typeof total.totalMs) =>
    one ? { average: Math.round(one.mean), p50: Math.round(one.p50), p95: Math.round(one.p95) } : null;
  return {
    since,
    until,
    requests: total.messages,
    visitors: total.visitors,
    answered: total.messages - total.failed - total.flagged,
    failed: total.failed,
    flagged: total.flagged,
    unanswered: total.unanswered,
    response_time_ms: times(total.totalMs),
    first_word_ms: times(total.firstWordMs),
    tokens: {
      input: total.models.reduce((sum, { input }) => sum + input, 0),
      output: total.models.reduce((sum, { output }) => sum + output, 0),
    },
    cost: prices.isSet
      ? total.models.reduce((sum, { model, ...use }) => sum + prices.costOf(model, use), 0) / 1e6
      : null,
    feedback: { up: total.up, down: total.down },
    refused: total.refused,
    failures,
  };
};
