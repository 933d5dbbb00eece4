import { describe, expect, it } from 'vitest';
import { allEvents, until } from '../helpers/events.ts';
import { BACKENDS, startBoth, startService, type TestService, upstreamEnv } from '../helpers/service.ts';
import { resume, stopTurn } from '../helpers/turns.ts';

/** Streams a message until its event of this kind is there; the connection stays open. */
const streamUntil = async (service: TestService, body: object, kind: string) => {
  const { events } = await service.stream(body);
  let id: string | undefined;
  let token: string | undefined;
  let text = '';
  for (;;) {
    const { value, done } = await events.next();
    if (done) throw new Error(`the stream ended before ${kind}`);
    id ??= value.data.id;
    token ??= value.data.session_token;
    text += value.data.text ?? '';
    if (value.event === kind) return { id, token, text, rest: () => allEvents(events) };
  }
};

const ENDPOINT = { responses: 'responses', assistants: 'runs', completions: 'completions' } as const;

const TELL = { user_id: 'ann', message: 'Tell me.' };

describe('DELETE /api/chat/{id}', () => {
  it.each(BACKENDS)('stops the run upstream on the %s wire and keeps what was said', async (backend) => {
    const { service, emulator } = await startBoth({ backend, env: { MAX_WAITING: '0' } });
    const hold = emulator.fail({ on: ENDPOINT[backend], fault: { kind: 'hold', afterDeltas: 3 } });
    const turn = await streamUntil(service, TELL, 'delta');
    await until(() => hold.holds === 1, 'the pause in its middle');
    const other = resume(service, turn.id).then(({ events }) => allEvents(events));
    const left = emulator.nextAbort();
    expect(await stopTurn(service, turn.id)).toBe(204);
    await left;
    if (backend === 'assistants') expect(emulator.calls['runs.cancel']).toBe(1);
    const rest = await turn.rest();
    const said = turn.text + rest.map(({ data }) => data.text ?? '').join('');
    expect(said).not.toBe('');
    const done = { answer: said, id: turn.id, truncated: true };
    expect(rest.filter(({ event }) => event !== 'delta')).toMatchObject([{ event: 'done', data: done }]);
    expect((await other).at(-1)).toMatchObject({ event: 'done', data: done });
    emulator.release();
    const next = await service.post({ user_id: 'ann', message: 'And now?' });
    expect(next.status).toBe(200);
    expect((await service.finalLog()).ann).toMatchObject([
      { id: turn.id, bot: said, truncated: true },
      { user: 'And now?', bot: next.body.answer },
    ]);
  });

  it('before the first word leaves an empty answer, which nobody is told later', async () => {
    const { service, emulator } = await startBoth({ backend: 'completions' });
    emulator.fail({ on: 'completions', fault: { kind: 'hold' } });
    const turn = await streamUntil(service, TELL, 'accepted');
    await until(() => emulator.inFlight === 1, 'the run');
    expect(await stopTurn(service, turn.id)).toBe(204);
    expect((await turn.rest()).map(({ event, data }) => [event, data])).toEqual([
      ['done', { answer: '', id: turn.id, truncated: true }],
    ]);
    const { body } = await service.post({ user_id: 'ann', message: 'What did I say first?' });
    expect(body.answer).not.toContain('Tell me.');
    expect((await service.finalLog()).ann).toMatchObject([{ bot: '', truncated: true }, {}]);
    const { service: next } = await startBoth({ env: { DATA_DIR: service.dir } });
    const events = await allEvents((await resume(next, turn.id)).events);
    expect(events.map(({ event }) => event)).toEqual(['accepted', 'done']);
  });

  it('takes a message out of the queue without a run', async () => {
    const { service, emulator } = await startBoth();
    emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    const first = service.post({ user_id: 'ann', message: 'One.' });
    await until(() => emulator.inFlight === 1, 'the first run');
    const second = await streamUntil(service, { user_id: 'ann', message: 'Two.' }, 'accepted');
    const third = service.post({ user_id: 'ann', message: 'Three.' });
    expect(await stopTurn(service, second.id)).toBe(204);
    expect(await second.rest()).toMatchObject([{ event: 'done', data: { answer: '', truncated: true } }]);
    expect(emulator.aborted).toBe(0);
    emulator.release();
    expect([(await first).status, (await third).status]).toEqual([200, 200]);
    expect(emulator.calls.responses).toBe(2);
  });

  it('answers whoever waits for JSON, too', async () => {
    const { service, emulator } = await startBoth();
    emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 3 } });
    const key = { 'Idempotency-Key': 'one' };
    const waiting = service.post(TELL, key);
    await until(() => emulator.inFlight === 1, 'the run');
    const { events } = await service.stream(TELL, key);
    const id = (await events.next()).value?.data.id;
    const rest = allEvents(events);
    expect(await stopTurn(service, id)).toBe(204);
    expect(await waiting).toMatchObject({ status: 200, body: { id, truncated: true } });
    expect((await rest).at(-1)?.event).toBe('done');
    // The key goes on to name what was stopped.
    expect((await service.post(TELL, key)).body.id).toBe(id);
  });

  it('changes nothing where the turn is over, also after a restart', async () => {
    const { service, emulator } = await startBoth();
    const { body } = await service.post(TELL);
    expect([await stopTurn(service, body.id), await stopTurn(service, body.id)]).toEqual([204, 204]);
    const log = await service.finalLog();
    expect(log.ann).toMatchObject([{ bot: body.answer }]);
    expect(log.ann?.[0]?.truncated).toBeUndefined();
    const next = await startService({ ...upstreamEnv(emulator), DATA_DIR: service.dir });
    expect(await stopTurn(next, body.id)).toBe(204);
  });

  it('is refused to whoever may not read the turn, and it goes on', async () => {
    const { service, emulator } = await startBoth();
    emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 1 } });
    const turn = await streamUntil(service, { message: 'Hi' }, 'delta');
    const other = await service.post({ message: 'Hello' });
    const authorization = (token: string | undefined) => ({ Authorization: `Bearer ${token}` });
    expect(await stopTurn(service, turn.id)).toBe(404);
    expect(await stopTurn(service, turn.id, authorization(other.body.session_token))).toBe(404);
    expect(await stopTurn(service, '00000000-0000-4000-8000-000000000000')).toBe(404);
    expect(emulator.aborted).toBe(0);
    expect(await stopTurn(service, turn.id, authorization(turn.token))).toBe(204);
    expect((await turn.rest()).at(-1)).toMatchObject({ event: 'done', data: { truncated: true } });
  });
});
