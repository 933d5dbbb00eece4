import { expect, test } from 'vitest';
import { cutRounds } from '../helpers/cut-rounds.ts';

const SEED = Number(process.env.SEED ?? Date.now() % 1e9);
const CUTS = Number(process.env.CUTS ?? 500);

test.each(['sse', 'socket'] as const)(
  `${CUTS} cuts of streams over %s lose and repeat nothing, and no run is doubled (seed ${SEED})`,
  async (wire) => {
    const report = await cutRounds(CUTS, SEED, wire);
    process.stdout.write(`${wire}: ${JSON.stringify(report)}\n`);
    expect(report.cuts).toBeGreaterThanOrEqual(CUTS);
    expect(Math.min(...Object.values(report.returns))).toBeGreaterThan(0);
  },
);
