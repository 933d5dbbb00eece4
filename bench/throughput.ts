import type { Target } from './call.ts';
import { median, perSecond } from './figures.ts';
import { type Load, visitorsOf } from './load.ts';
import type { Bench, Row } from './report.ts';
import { onStage } from './stage.ts';

const CALLERS = 32;
const VISITORS = CALLERS * 10;
const LEAST_RATIO = 0.7;

const rateOf = ({ answered, ms }: Load): number => (answered * 1000) / ms;

/** Answers a second with 32 callers, against bare handlers that make the same upstream call. */
export const throughput: Bench = ({ quick }) =>
  onStage({}, async ({ generator, target, least }) => {
    const visitors = visitorsOf(VISITORS, 'busy');
    const measure = async (of: Target, forMs: number): Promise<number> =>
      rateOf(await generator.run({ how: 'closed', target: of, visitors, callers: CALLERS, forMs }));

    /** @param leastRatio Absent: for information. */
    const compare = async (what: string, mine: Target, theirs: Target, leastRatio?: number): Promise<Row> => {
      for (const each of [mine, theirs]) {
        await generator.run({ how: 'warm', target: each, visitors });
        await measure(each, quick ? 700 : 4_000);
      }
      const pairs: { mine: number; theirs: number }[] = [];
      for (let round = 0; round < (quick ? 3 : 6); round++) {
        const forMs = quick ? 700 : 3_000;
        pairs.push({ mine: await measure(mine, forMs), theirs: await measure(theirs, forMs) });
      }
      const ratio = median(pairs.map((pair) => pair.mine / pair.theirs));
      return {
        what,
        measured: perSecond(median(pairs.map((pair) => pair.mine))),
        baseline: perSecond(median(pairs.map((pair) => pair.theirs))),
        target: ratio.toFixed(2) + (leastRatio === undefined ? '' : ` / at least ${leastRatio}`),
        ...(leastRatio !== undefined && { ok: ratio >= leastRatio }),
      };
    };
    return [
      await compare('answers, 32 callers', target('json'), target('read'), LEAST_RATIO),
      await compare('streamed answers, 32 callers', target('stream'), target('pipe'), LEAST_RATIO),
      await compare('the least: durable, and the answer read; no more', await least(), target('read')),
    ];
  });
