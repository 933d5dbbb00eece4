import { describe, expect, it } from 'vitest';
import { allEvents } from '../helpers/events.ts';
import { startBoth } from '../helpers/service.ts';

const ID = /^[0-9a-z]{9}-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('POST /api/chat', () => {
  it('answers a message and logs the exchange with the time at which the message came', async () => {
    const { service } = await startBoth({ emulator: { answer: ({ message }) => `Echo: ${message}` } });
    const before = Date.now() / 1000;
    const { status, body, headers } = await service.post({ user_id: 'user123', message: '  Hello!  ' });
    const after = Date.now() / 1000;

    expect(status).toBe(200);
    expect(body).toEqual({ answer: 'Echo: Hello!', id: expect.stringMatching(ID) });
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(headers.get('cache-control')).toBe('no-store');

    const log = await service.finalLog();
    expect(log).toEqual({
      user123: [
        expect.objectContaining({
          user: 'Hello!',
          bot: 'Echo: Hello!',
          id: body.id,
          timestamp: expect.any(Number),
        }),
      ],
    });
    const [exchange] = log.user123 ?? [];
    expect(exchange?.timestamp).toBeGreaterThanOrEqual(before);
    expect(exchange?.timestamp).toBeLessThanOrEqual(after);
  });

  it('streams the same turn as accepted, deltas and done, each event numbered', async () => {
    const { service } = await startBoth({ emulator: { answer: () => 'one two three four', pace: 5 } });
    const { response, events } = await service.stream({ user_id: 'user123', message: 'count' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(response.headers.get('cache-control')).toBe('no-store, no-transform');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    expect(response.headers.get('content-encoding')).toBeNull();

    const all = await allEvents(events);
    const id = all[0]?.data.id;
    expect(id).toMatch(ID);
    expect(all.map(({ id }) => id)).toEqual(all.map((_, n) => `${id}:${n}`));
    expect(all[0]).toMatchObject({ event: 'accepted', data: { id } });
    const deltas = all.slice(1, -1);
    expect(deltas.length).toBeGreaterThan(1);
    expect(new Set(deltas.map(({ event }) => event))).toEqual(new Set(['delta']));
    expect(deltas.map(({ data }) => data.text).join('')).toBe('one two three four');
    expect(all.at(-1)).toMatchObject({ event: 'done', data: { answer: 'one two three four', id } });
    expect((await service.finalLog()).user123).toMatchObject([{ id, bot: 'one two three four' }]);
  });

  it('goes on in the same thread for the same user_id, and in another for another', async () => {
    const { service, emulator } = await startBoth();
    await service.post({ user_id: 'ann', message: 'I like apples.' });
    await service.post({ user_id: 'bob', message: 'I like bananas.' });
    const ann = await service.post({ user_id: 'ann', message: 'What did I say first?' });
    const bob = await service.post({ user_id: 'bob', message: 'What did I say first?' });
    expect(ann.body.answer).toContain('I like apples.');
    expect(bob.body.answer).toContain('I like bananas.');
    expect(ann.body.answer).not.toContain('bananas');
    expect(emulator.calls.conversations).toBe(2);
    expect(emulator.calls.responses).toBe(4);
  });

  it('keeps visitors apart by exact text, whatever the text', async () => {
    const { service } = await startBoth();
    const ids = ['__proto__', 'constructor', 'toString', ' x', 'x', 'X', 'é', 'e\u0301', '42', '😀'];
    for (const [n, id] of ids.entries()) await service.post({ user_id: id, message: `I am number ${n}.` });
    for (const [n, id] of ids.entries()) {
      const { body } = await service.post({ user_id: id, message: 'What did I say first?' });
      expect(body.answer).toContain(`I am number ${n}.`);
    }
    const log = await service.finalLog();
    expect(Object.keys(log).toSorted()).toEqual(ids.toSorted());
    expect(Object.values(log).every((exchanges) => exchanges.length === 2)).toBe(true);
  });

  it('takes a whole number as user_id for its decimal text', async () => {
    const { service } = await startBoth();
    await service.post({ user_id: 42, message: 'I am forty-two.' });
    const { body } = await service.post({ user_id: '42', message: 'What did I say first?' });
    expect(body.answer).toContain('I am forty-two.');
  });

  it('tells that an answer was cut short', async () => {
    const { service, emulator } = await startBoth();
    const fault = { kind: 'incomplete', reason: 'max_output_tokens', afterDeltas: 2 } as const;
    emulator.fail({ fault });
    const { status, body } = await service.post({ user_id: 'ann', message: 'Tell me a long story.' });
    expect(status).toBe(200);
    expect(body.truncated).toBe(true);
    expect((await service.finalLog()).ann).toMatchObject([{ bot: body.answer, truncated: true }]);
  });
});
