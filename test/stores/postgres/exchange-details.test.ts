import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Exchange } from '../../../src/chat/model.ts';
import type { LogRow } from '../../../src/log-file/log-row.ts';
import { openMovingStore } from '../../../src/stores/postgres/moving/moving.ts';
import { exchange, user } from '../../helpers/exchanges.ts';
import { startDatabases, type TestDatabases } from '../../helpers/postgres.ts';
import { memoryLogger } from '../sqlite/helper.ts';
import { openStore } from './helper.ts';

let databases: TestDatabases;
beforeAll(async () => {
  databases = await startDatabases();
});
afterAll(() => databases.dispose());

const alice = user('alice');
const details: Partial<Exchange> = {
  usage: { input: 12, output: 34 },
  sources: [
    { n: 1, title: 'Prices', url: 'https://shop.example/prices', place: 'Shipping' },
    { n: 2, title: 'Terms \u{1f642}' },
  ],
  flagged: ['violence'],
  unanswered: true,
  run: {
    backend: 'responses',
    model: 'gpt-6-luna',
    queuedMs: 0.5,
    firstWordMs: 120,
    totalMs: 900.25,
    tools: ['order_status', 'order_status'],
  },
};

describe('an exchange', () => {
  test('keeps its sources, how its run went, and why it was refused', async () => {
    const store = await openStore(await databases.newSchema());
    const whole = exchange(alice, details);
    const failed = exchange(alice, {
      bot: null,
      error: 'upstream_failed',
      run: { backend: 'offline', totalMs: 3 },
    });
    const bare = exchange(alice);
    for (const one of [whole, failed, bare]) {
      await store.accept(one);
      await store.finish(one);
      expect(await store.exchange(one.id)).toEqual(one);
    }
    expect(await store.recent(alice, { limit: 5 })).toEqual([bare, failed, whole]);
  });

  test('is kept whatever characters the upstream has put beside its answer', async () => {
    const store = await openStore(await databases.newSchema());
    const one = exchange(alice, {
      sources: [{ n: 1, title: 'before\u0000after \ud800' }],
      run: { backend: 'x\u0000', totalMs: 1 },
    });
    await store.accept(one);
    await store.finish(one);
    expect(await store.exchange(one.id)).toMatchObject({
      sources: [{ n: 1, title: 'before\ufffdafter \ufffd' }],
      run: { backend: 'x\ufffd' },
    });
  });

  test('is rated by its own visitor alone, who can change that, and take it back', async () => {
    const store = await openStore(await databases.newSchema());
    const one = exchange(alice);
    await store.accept(one);
    await store.finish(one);
    const { id } = one;
    expect(await store.setFeedback(id, user('bob'), { rating: 'up' })).toBe(false);
    expect(await store.setFeedback(id, { kind: 'verified', id: 'alice' }, { rating: 'up' })).toBe(false);
    expect(await store.setFeedback('nothing', alice, { rating: 'up' })).toBe(false);
    expect(await store.exchange(id)).toEqual(one);
    const feedback = { rating: 'down', comment: 'No!\u0000' } as const;
    expect(await store.setFeedback(id, alice, feedback)).toBe(true);
    expect(await store.exchange(id)).toEqual({ ...one, feedback: { rating: 'down', comment: 'No!\ufffd' } });
    expect(await store.setFeedback(id, alice, { rating: 'up' })).toBe(true);
    expect(await store.exchange(id)).toEqual({ ...one, feedback: { rating: 'up' } });
    expect(await store.setFeedback(id, alice, undefined)).toBe(true);
    expect(await store.exchange(id)).toEqual(one);
    await store.clear(alice, true);
    expect(await store.setFeedback(id, alice, { rating: 'up' })).toBe(false);
  });

  test('moves with all of that', async () => {
    const url = await databases.newSchema();
    const mover = await openMovingStore({ url, wait: 0, logger: memoryLogger() });
    onTestFinished(() => mover.close());
    const { visitor: _, ...rest } = exchange(alice, {
      ...details,
      feedback: { rating: 'up', comment: 'Yes' },
    });
    const moved = { ...rest, visitor: 'u:alice' };
    await mover.begin('./data');
    await mover.add({ exchanges: [moved] }, '1');
    await mover.complete();
    const read: LogRow[] = [];
    for await (const page of mover.exchanges()) read.push(...page);
    expect(read).toEqual([moved]);
  });
});
