import { describe, expect, it } from 'vitest';
import { boundedCounts } from '../../src/limits/bounded-counts.ts';
import { createDailyBudget } from '../../src/limits/daily-budget.ts';

const NOON = Date.parse('2026-11-26T12:00:00Z');
const HOUR = 3_600_000;
const spent = { code: 'budget_spent' };

const budgetOf = (limit: number | null, shareLimit: number | null = null) => {
  const clock = { time: NOON, now: () => clock.time };
  const counts = new Map<string, number>();
  const warnings: string[] = [];
  let asked = 0;
  const budget = createDailyBudget({
    limit,
    shareLimit,
    opaque: (sharer) => sharer,
    shares: boundedCounts({ maxKeys: 10, windowMs: 24 * HOUR }),
    countMessage: async (day, by) => {
      asked += 1;
      counts.set(day, (counts.get(day) ?? 0) + by);
      return counts.get(day) ?? 0;
    },
    clock,
    logger: { warn: (_, message) => void warnings.push(message) },
  });
  const take = async (sharer: string) => (await budget.take({ sharer, isCountedByStore: false })).giveBack;
  return { take, clock, counts, warnings, asked: () => asked };
};

describe('the daily budget', () => {
  it('holds what was given back, although it was spent before', async () => {
    const { take, counts } = budgetOf(2);
    await take('a');
    const giveBack = await take('a');
    await expect(take('b')).rejects.toMatchObject(spent);
    await giveBack();
    await take('b');
    await expect(take('b')).rejects.toMatchObject(spent);
    // What was refused is not in the count.
    expect(counts.get('2026-11-26')).toBe(2);
  });

  it('gives back to the day from which it was taken', async () => {
    const { take, counts, clock } = budgetOf(10);
    clock.time = Date.parse('2026-11-26T23:59:59Z');
    const giveBack = await take('a');
    clock.time += 2_000;
    await take('a');
    await giveBack();
    expect(counts).toEqual(
      new Map([
        ['2026-11-26', 0],
        ['2026-11-27', 1],
      ]),
    );
  });

  it('asks the store once a minute when it is spent, and says so once a day', async () => {
    const { take, clock, counts, warnings, asked } = budgetOf(1);
    await take('a');
    await expect(take('a')).rejects.toMatchObject({ ...spent, retryAfter: 12 * 3_600 });
    const before = asked();
    for (let n = 0; n < 5; n++) await expect(take('a')).rejects.toMatchObject(spent);
    expect(asked()).toBe(before);
    clock.time += 61_000;
    await expect(take('a')).rejects.toMatchObject(spent);
    expect(asked()).toBeGreaterThan(before);
    // What another process has given back is found by then.
    counts.set('2026-11-26', 0);
    clock.time += 61_000;
    await take('a');
    expect(warnings.filter((text) => text.includes('used up'))).toHaveLength(1);
  });

  it('is there again after midnight', async () => {
    const { take, clock } = budgetOf(1, 1);
    clock.time = Date.parse('2026-11-26T23:59:30Z');
    await take('a');
    await expect(take('b')).rejects.toMatchObject({ ...spent, retryAfter: 30 });
    clock.time += 30_000;
    await take('a');
  });

  it('takes a share only of what the site has, and gives it back with the rest', async () => {
    const { take } = budgetOf(1, 1);
    const giveBack = await take('a');
    await expect(take('b')).rejects.toMatchObject(spent);
    await giveBack();
    // Neither of them has lost its share by that.
    await (await take('b'))();
    await take('a');
  });
});
