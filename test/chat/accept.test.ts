import { expect, it } from 'vitest';
import { createAccept } from '../../src/chat/accept.ts';
import { logUnavailable, threadBusy } from '../../src/errors.ts';
import { boundedCounts } from '../../src/limits/bounded-counts.ts';
import { createDailyBudget } from '../../src/limits/daily-budget.ts';
import { clock, openStore, tempFolder } from '../stores/sqlite/helper.ts';

const message = { visitor: { kind: 'user', id: 'ann' } as const, text: 'Hi', address: '203.0.113.7' };

it.each([
  ['refused for a full queue, which only the store of many processes knows', threadBusy(), 1],
  ['known there already, under a key that another process accepted first', undefined, 1],
  ['refused while the log is out, where there is nothing to give back to', logUnavailable(), 0],
])('a message that the store finds %s: the day has %3$i left again', async (_, failure, left) => {
  const store = await openStore(await tempFolder());
  const budget = createDailyBudget({
    ...{ limit: 1, shareLimit: 1, clock, logger: { warn: () => undefined } },
    opaque: (sharer) => sharer,
    shares: boundedCounts({ maxKeys: 10, windowMs: 86_400_000 }),
    countMessage: (day, by) => store.countMessage(day, by),
  });
  const accept = createAccept({
    ...{ budget, clock },
    store: {
      ...store,
      accept: async () => {
        if (failure) throw failure;
        return { type: 'known', id: 'another' };
      },
    },
  });
  await accept(message).catch((thrown: unknown) => expect(thrown).toBe(failure));
  const next = createAccept({ budget, clock, store })(message);
  if (left === 1) expect((await next).accepted.type).toBe('accepted');
  else await expect(next).rejects.toMatchObject({ code: 'budget_spent' });
});

it('a message is refused before anything is asked of a store that cannot write', async () => {
  const store = await openStore(await tempFolder());
  let asked = 0;
  const accept = createAccept({
    clock,
    budget: createDailyBudget({
      ...{ limit: 1, shareLimit: null, clock, logger: { warn: () => undefined } },
      opaque: (sharer) => sharer,
      shares: boundedCounts({ maxKeys: 10, windowMs: 86_400_000 }),
      countMessage: async () => (asked += 1),
    }),
    store: { ...store, health: () => ({ ok: false, reason: 'a full disk' }) },
  });
  await expect(accept(message)).rejects.toMatchObject({ code: 'log_unavailable' });
  expect(asked).toBe(0);
});
