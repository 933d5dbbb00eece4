import { expect, it, onTestFinished } from 'vitest';
import { createRemoteTurns } from '../../src/chat/remote-turns.ts';
import { message, user } from '../helpers/exchanges.ts';
import { clock, eventually, openStore, tempFolder } from '../stores/sqlite/helper.ts';

it('asks the log no more often for it that many are followed', async () => {
  const store = await openStore(await tempFolder());
  let asked = 0;
  const remoteTurns = createRemoteTurns({
    store: {
      exchange: (id) => store.exchange(id),
      unfinished: (id) => {
        asked += 1;
        return store.unfinished(id);
      },
    },
    clock,
    runTimeout: 60_000,
    onOver: () => undefined,
  });
  onTestFinished(() => remoteTurns.stop());
  const all = Array.from({ length: 300 }, (_, i) => ({
    ...message(user(`${i}`)),
    timestamp: Date.now() / 1000,
  }));
  for (const one of all) await store.accept(one);
  const began = performance.now();
  const turns = all.map((one) => remoteTurns.follow(one));
  for (const { outcome } of turns) outcome.catch(() => undefined);
  await eventually(() => asked >= 3 * 300 && asked);
  // Five hundred a second.
  expect(performance.now() - began).toBeGreaterThan(1000);
  for (const one of all) await store.finish({ ...one, bot: 'Yes' });
  const done = await Promise.all(turns.map(({ outcome }) => outcome));
  expect(done.every(({ bot }) => bot === 'Yes')).toBe(true);
}, 30_000);
