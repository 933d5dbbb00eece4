import { expect, it } from 'vitest';
import type { Backend } from '../../src/chat/backend-port.ts';
import { createChat } from '../../src/chat/chat.ts';
import { budgetSpent } from '../../src/errors.ts';
import { until } from '../helpers/events.ts';
import { startBoth } from '../helpers/service.ts';
import { clock, memoryLogger, openStore, tempFolder } from '../stores/sqlite/helper.ts';

/** Says nothing, until it is told to end. */
const silent: Backend = {
  name: 'silent',
  run: async function* ({ signal }) {
    const { promise, reject } = Promise.withResolvers<never>();
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    await promise;
  },
};

it('a stop takes no new message, on any way, and lets those in flight end', async () => {
  const { service, emulator } = await startBoth();
  emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
  const answer = service.post({ user_id: 'ann', message: 'Think.' });
  await until(() => emulator.inFlight === 1, 'the run');
  const stopped = service.stop();
  const refused = await service.post({ user_id: 'bob', message: 'Hi' });
  expect([refused.status, refused.body.error?.code]).toEqual([503, 'shutting_down']);
  expect(emulator.calls.responses).toBe(1);
  emulator.release();
  expect((await answer).status).toBe(200);
  await stopped;
  expect(Object.keys(await service.finalLog())).toEqual(['ann']);
});

it('a message that is accepted only when the time of a stop is over ends at once, too', async () => {
  const store = await openStore(await tempFolder());
  const late = { asked: Promise.withResolvers<void>(), let: Promise.withResolvers<void>() };
  const chat = createChat({
    ...{ backend: silent, store, clock, logger: memoryLogger() },
    budget: {
      take: async ({ visitor }) => {
        if (visitor.id === 'late') {
          late.asked.resolve();
          await late.let.promise;
        }
        return { day: undefined, giveBack: async () => undefined };
      },
      counted: () => undefined,
      spent: () => budgetSpent(),
    },
    limits: {
      ...{ maxLiveTurns: 10, maxWaiting: 1, runTimeout: 600_000, threadIdle: 600_000 },
      ...{ historyMaxChars: 1_000, answerMaxChars: 1_000, clearKeepsLog: true },
    },
  });
  const send = (id: string) =>
    chat.send({ visitor: { kind: 'user', id }, text: 'Hi', address: '203.0.113.7' });
  const early = await send('early');
  const sent = send('late');
  await late.asked.promise;
  const drained = chat.drain(1);
  await expect(
    chat.send({ visitor: { kind: 'user', id: 'new' }, text: 'Hi', address: 'x' }),
  ).rejects.toMatchObject({ code: 'shutting_down' });
  // Its end tells that the time is over.
  await expect(early.outcome).rejects.toMatchObject({ code: 'shutting_down' });
  late.let.resolve();
  await expect((await sent).outcome).rejects.toMatchObject({ code: 'shutting_down' });
  await drained;
  expect(chat.liveTurns()).toBe(0);
});
