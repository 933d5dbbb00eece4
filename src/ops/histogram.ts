/** Each step of the scale is 4 % above the one before, so that a percentile read from it is at most 2 % off. */
const STEP = Math.log(1.04);

/** Which step of the scale a time in milliseconds is on. */
export const stepOf = (ms: number): number => (ms < 1 ? 0 : 1 + Math.floor(Math.log(ms) / STEP));

/** The middle of a step, in milliseconds. */
export const middleOf = (step: number): number => (step === 0 ? 0 : Math.exp((step - 0.5) * STEP));

/** How often each step was hit. */
export type Histogram = ReadonlyMap<number, number>;

/** The time below which this part of all times is. @param part 0 to 1. */
export const percentile = (histogram: Histogram, part: number): number => {
  const steps = [...histogram].toSorted(([one], [other]) => one - other);
  const total = steps.reduce((sum, [, count]) => sum + count, 0);
  const wanted = Math.max(1, Math.ceil(part * total));
  let seen = 0;
  for (const [step, count] of steps) {
    seen += count;
    if (seen >= wanted) return middleOf(step);
  }
  return 0;
};
