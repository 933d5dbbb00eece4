import type { Called } from './call.ts';
import { median, milliseconds, percentile } from './figures.ts';
import { type Load, visitorsOf } from './load.ts';
import type { Bench, Row } from './report.ts';
import { onStage } from './stage.ts';

const RATE = 100;
const VISITORS = 200;

type Times = readonly (readonly Called['ms'][])[];

/** Each round is compared with the one beside it, for the machine is not always as busy. */
const added = (what: string, share: number, target: number, through: Times, direct: Times): Row => {
  const mine = through.map((times) => percentile(times, share));
  const theirs = direct.map((times) => percentile(times, share));
  const extra = median(mine.map((ms, round) => ms - (theirs[round] ?? Number.NaN)));
  return {
    what,
    measured: milliseconds(median(mine)),
    baseline: milliseconds(median(theirs)),
    target: `+${milliseconds(extra)} / ${target} ms`,
    ok: extra <= target,
  };
};

/** What the service adds to a message, at 100 messages a second, durable log included. */
export const latency: Bench = ({ quick }) =>
  onStage({}, async ({ generator, target }) => {
    const forms = ['upstream', 'json', 'stream'] as const;
    const visitors = visitorsOf(VISITORS, 'calm');
    for (const form of forms) {
      await generator.run({ how: 'warm', target: target(form), visitors });
      // The compilers have seen the code before it is measured.
      await generator.run({ how: 'closed', target: target(form), visitors, forMs: quick ? 400 : 2_000 });
    }
    const loads: Record<(typeof forms)[number], Load[]> = { upstream: [], json: [], stream: [] };
    for (let round = 0; round < (quick ? 3 : 5); round++) {
      for (const form of forms) {
        const forMs = quick ? 1_000 : 5_000;
        loads[form].push(
          await generator.run({ how: 'open', target: target(form), visitors, rate: RATE, forMs }),
        );
      }
    }
    const totals = (form: (typeof forms)[number]) => loads[form].map((load) => load.totals);
    const firsts = (form: (typeof forms)[number]) => loads[form].map((load) => load.firsts);
    return [
      added('added time per message, p50', 0.5, 2, totals('json'), totals('upstream')),
      added('added time per message, p99', 0.99, 10, totals('json'), totals('upstream')),
      added('added time to the first streamed word, p50', 0.5, 2, firsts('stream'), firsts('upstream')),
    ];
  });
