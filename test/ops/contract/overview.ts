import { describe, expect, test } from 'vitest';
import { ann, bob, guest, HOUR, type OpenOps, START, useOpsStore } from './ops-under-test.ts';

/** Numbers: the overview of a range of time, and what was used in a day. */
export const overviewContract = (name: string, open: OpenOps): void => {
  describe(`${name}: overview`, () => {
    const under = useOpsStore(open);
    const { add } = under;
    test('sums up a range of time in buckets', async () => {
      const run = { backend: 'responses', model: 'm', firstWordMs: 100, totalMs: 1_000 };
      await add(ann, { timestamp: START + 10, usage: { input: 10, output: 5 }, run });
      await add(bob, { timestamp: START + 20, run: { ...run, firstWordMs: 300, totalMs: 3_000 } });
      const down = await add(ann, { timestamp: START + HOUR, usage: { input: 1, output: 1 }, run });
      await under.rate(down.id, { rating: 'down' });
      await add(guest, { timestamp: START + HOUR + 1, bot: null, error: 'upstream_busy' });
      await add(guest, { timestamp: START + 2 * HOUR });
      await add(guest, { timestamp: START - 1 });
      await under.ops.addRefused(START + HOUR + 5, { rate_limited: 3 });
      await under.ops.addRefused(START + HOUR + 6, { rate_limited: 1, budget_spent: 1 });
      const { total, buckets, failures, busiest } = await under.ops.overview([
        START,
        START + HOUR,
        START + 2 * HOUR,
      ]);
      expect(total).toMatchObject({ messages: 4, visitors: 3, failed: 1, down: 1, up: 0, unanswered: 0 });
      expect(total.refused).toEqual({ rate_limited: 4, budget_spent: 1 });
      expect(buckets.map(({ messages, visitors, failed: bad }) => [messages, visitors, bad])).toEqual([
        [2, 2, 0],
        [2, 2, 1],
      ]);
      expect(buckets[0]?.refused).toEqual({});
      expect(buckets[1]?.refused).toEqual({ rate_limited: 4, budget_spent: 1 });
      const near = (value: number | undefined, wanted: number) =>
        expect(Math.abs((value ?? 0) - wanted)).toBeLessThanOrEqual(wanted * 0.05);
      expect(total.totalMs?.mean).toBeCloseTo(5_000 / 3, 1);
      near(total.firstWordMs?.p50, 100);
      near(total.firstWordMs?.p95, 300);
      near(total.totalMs?.p95, 3_000);
      near(buckets[1]?.totalMs?.p50, 1_000);
      expect(total.models).toContainEqual({
        backend: 'responses',
        model: 'm',
        runs: 3,
        input: 11,
        output: 6,
      });
      expect(failures).toEqual([{ code: 'upstream_busy', count: 1 }]);
      expect(busiest[0]).toMatchObject({ visitor: ann, messages: 2, tokens: 17 });
    });

    test('an overview follows what came, was rated and was erased since the one before', async () => {
      const edges = [START, START + 10 * HOUR];
      const one = await add(ann);
      expect((await under.ops.overview(edges)).total.messages).toBe(1);
      await add(bob, { timestamp: START + 1 });
      await under.rate(one.id, { rating: 'up' });
      expect((await under.ops.overview(edges)).total).toMatchObject({ messages: 2, up: 1 });
      await under.ops.beginErasure({ visitor: ann, at: under.now, by: 'api' });
      await under.ops.eraseSome(ann, 10);
      expect((await under.ops.overview(edges)).total).toMatchObject({ messages: 1, up: 0 });
    });

    test('an overview of days that are long over follows what is changed in them', async () => {
      const edges = [START, START + 24 * HOUR, START + 48 * HOUR, START + 72 * HOUR];
      const messages = async () => (await under.ops.overview(edges)).buckets.map((bucket) => bucket.messages);
      const one = await add(ann);
      await add(bob, { timestamp: START + 30 * HOUR, bot: null, error: 'upstream_busy' });
      await add(ann, { timestamp: START + 31 * HOUR });
      const first = await under.ops.overview(edges);
      expect(await under.ops.overview(edges)).toEqual(first);
      expect(first.total).toMatchObject({ messages: 3, visitors: 2, failed: 1, up: 0 });
      expect(first.failures).toEqual([{ code: 'upstream_busy', count: 1 }]);
      expect(first.busiest[0]).toMatchObject({ visitor: ann, messages: 2 });
      // A turn that was cut off is recorded late.
      await add(guest, { timestamp: START + 32 * HOUR });
      expect(await messages()).toEqual([1, 3, 0]);
      await under.rate(one.id, { rating: 'up' });
      expect((await under.ops.overview(edges)).buckets[0]).toMatchObject({ messages: 1, up: 1 });
      await under.ops.beginErasure({ visitor: ann, at: under.now, by: 'api' });
      await under.ops.eraseSome(ann, 10);
      expect(await messages()).toEqual([0, 2, 0]);
      expect((await under.ops.overview(edges)).total).toMatchObject({ messages: 2, visitors: 2, up: 0 });
    });

    test('an overview after a restart has what was counted before it, and what came and changed since', async () => {
      const edges = [START, START + 24 * HOUR, START + 48 * HOUR];
      const one = await add(ann, { usage: { input: 10, output: 5 } });
      await add(bob, { timestamp: START + 30 * HOUR, bot: null, error: 'upstream_busy' });
      const before = await under.ops.overview(edges);
      const { ops, store, rate } = await under.reopen();
      expect(await ops.overview(edges)).toEqual(before);
      const another = { ...one, id: 'another', timestamp: START + 31 * HOUR };
      await store.accept(another);
      await store.finish(another);
      await rate(one.id, { rating: 'up' });
      const { total, buckets } = await ops.overview(edges);
      expect(buckets.map(({ messages }) => messages)).toEqual([1, 2]);
      expect(total).toMatchObject({ messages: 3, failed: 1, up: 1, visitors: 2 });
    });

    test('an overview of nothing is empty', async () => {
      const { total, buckets, failures, busiest } = await under.ops.overview([0, HOUR]);
      expect(total).toMatchObject({ messages: 0, visitors: 0, models: [], refused: {} });
      expect(total.firstWordMs).toBeUndefined();
      expect([buckets.length, failures, busiest]).toEqual([1, [], []]);
    });

    test('counts use by day, for the site and for each visitor, across restarts', async () => {
      await Promise.all(
        Array.from({ length: 10 }, () => under.ops.addUse('2026-03-01', ann, { tokens: 5, cost: 2 })),
      );
      const after = await under.ops.addUse('2026-03-01', bob, { tokens: 1, cost: 1 });
      expect(after).toEqual({ site: { tokens: 51, cost: 21 }, visitor: { tokens: 1, cost: 1 } });
      const { ops } = await under.reopen();
      expect((await ops.dayUse('2026-03-01', ann)).visitor).toEqual({ tokens: 50, cost: 20 });
      expect(await ops.dayUse('2026-03-02', ann)).toEqual({
        site: { tokens: 0, cost: 0 },
        visitor: { tokens: 0, cost: 0 },
      });
    });
  });
};
