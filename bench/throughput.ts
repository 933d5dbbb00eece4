import type { Target } from './call.ts';
import { median, perSecond } from './figures.ts';
import { type Load, visitorsOf } from './load.ts';
import type { Bench, Row } from './report.ts';
import { onStage } from './stage.ts';

const CALLERS = 32;
const VISITORS = CALLERS * 10;
const LEAST_RATIO = 0.6;

const rateOf = ({ answered, ms }: Load): number => (answered * 1000) / ms;

/** Answers a second with 32 callers, against bare handlers that make the same upstream call. */
export const throughput: Bench = ({ quick }) =>
  onStage({}, async ({ generator, target }) => {
    const visitors = visitorsOf(VISITORS, 'busy');
    const measure = async (form: Target['form'], forMs: number): Promise<number> =>
      rateOf(await generator.run({ how: 'closed', target: target(form), visitors, callers: CALLERS, forMs }));

    const compare = async (what: string, mine: Target['form'], theirs: Target['form']): Promise<Row> => {
      for (const form of [mine, theirs]) {
        await generator.run({ how: 'warm', target: target(form), visitors });
        await measure(form, quick ? 700 : 4_000);
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
        target: `${ratio.toFixed(2)} / at least ${LEAST_RATIO}`,
        ok: ratio >= LEAST_RATIO,
      };
    };
    return [
      await compare('answers, 32 callers', 'json', 'read'),
      await compare('streamed answers, 32 callers', 'stream', 'pipe'),
    ];
  });
