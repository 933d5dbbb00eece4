import { describe, expect, it } from 'vitest';
import { createThreadQueue } from '../../src/chat/thread-queue.ts';
import { allEvents } from '../helpers/events.ts';
import { startBoth } from '../helpers/service.ts';

const echo = { answer: ({ message }: { message: string }) => `re ${message}` };

describe('messages of one visitor', () => {
  it('run one after another in order of arrival, never two at once', async () => {
    const { service, emulator } = await startBoth({
      emulator: { ...echo, pace: 2 },
      env: { MAX_WAITING: '20' },
    });
    const messages = Array.from({ length: 12 }, (_, n) => `message ${n}`);
    const answers: Promise<unknown>[] = [];
    for (const message of messages) {
      // The stream's first event tells that the message has its place.
      const { events } = await service.stream({ user_id: 'ann', message });
      expect((await events.next()).value?.event).toBe('accepted');
      answers.push(allEvents(events));
    }
    await Promise.all(answers);
    const sent = emulator.requests.filter(({ endpoint }) => endpoint === 'responses');
    expect(sent.map(({ body }) => (body instanceof Object && 'input' in body ? body.input : ''))).toEqual(
      messages,
    );
    // A second run at once would have met the emulator's lock, and so a second call.
    expect(emulator.calls.responses).toBe(12);
    expect((await service.finalLog()).ann?.map(({ user, bot }) => [user, bot])).toEqual(
      messages.map((message) => [message, `re ${message}`]),
    );
  });

  it('beyond those that may wait are refused as thread_busy, at no cost', async () => {
    const { service, emulator } = await startBoth({ env: { MAX_WAITING: '2' } });
    emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    const turns = [];
    for (const message of ['one', 'two', 'three']) {
      const { events } = await service.stream({ user_id: 'ann', message });
      await events.next();
      turns.push(allEvents(events));
    }
    const { status, body, headers } = await service.post({ user_id: 'ann', message: 'four' });
    expect([status, body.error?.code]).toEqual([409, 'thread_busy']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    emulator.release();
    for (const events of await Promise.all(turns)) expect(events.at(-1)?.event).toBe('done');
    expect((await service.finalLog()).ann?.map(({ user }) => user)).toEqual(['one', 'two', 'three']);
  });

  it('leave the queue when they fail or time out while they wait', async () => {
    const { service, emulator } = await startBoth({ env: { MAX_WAITING: '1', RUN_TIMEOUT: '1s' } });
    emulator.fail({ on: 'responses', fault: { kind: 'hang-before-headers' } });
    const both = await Promise.all([
      service.post({ user_id: 'ann', message: 'one' }),
      service.post({ user_id: 'ann', message: 'two' }),
    ]);
    expect(both.map(({ body }) => body.error?.code)).toEqual(['upstream_timeout', 'upstream_timeout']);
    emulator.release();
    expect((await service.post({ user_id: 'ann', message: 'three' })).status).toBe(200);
  });
});

describe("a thread's queue", () => {
  it('goes on with the next one where the one in front gave up while it waited', async () => {
    const queue = createThreadQueue({ maxWaiting: 2 });
    const [first, second, third] = [queue.enter('ann'), queue.enter('ann'), queue.enter('ann')];
    expect([first.waits, second.waits, third.waits]).toEqual([false, true, true]);
    expect(() => queue.enter('ann')).toThrow('still being answered');
    second.leave();
    // There is room for one more now, and for no second one.
    const fourth = queue.enter('ann');
    expect(() => queue.enter('ann')).toThrow('still being answered');
    first.leave();
    await third.turn;
    third.leave();
    third.leave();
    await fourth.turn;
    fourth.leave();
    await queue.enter('ann').turn;
  });
});

describe('different visitors', () => {
  it('never wait for each other', async () => {
    const { service, emulator } = await startBoth();
    const held = emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    const ann = service.post({ user_id: 'ann', message: 'slow' });
    await emulator.next('responses');
    expect((await service.post({ user_id: 'bob', message: 'quick' })).status).toBe(200);
    expect((await service.post({ message: 'quick' })).status).toBe(200);
    held.release();
    expect((await ann).status).toBe(200);
  });

  it('beyond MAX_LIVE_TURNS are refused as overloaded, until a turn is over', async () => {
    const { service, emulator } = await startBoth({ env: { MAX_LIVE_TURNS: '2' } });
    emulator.fail({ on: 'responses', times: 2, fault: { kind: 'hold' } });
    const live = ['ann', 'bob'].map((user_id) => service.post({ user_id, message: 'slow' }));
    await emulator.next('responses');
    await emulator.next('responses');
    const { status, body, headers } = await service.post({ user_id: 'cid', message: 'Hi' });
    expect([status, body.error?.code]).toEqual([503, 'overloaded']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    emulator.release();
    expect((await Promise.all(live)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await service.post({ user_id: 'cid', message: 'Hi' })).status).toBe(200);
  });
});
