import { describe, expect, it } from 'vitest';
import type { AnswerTurn } from '../../emulator/answer.ts';
import type { Fault } from '../../emulator/faults.ts';
import { startBoth, type TestService } from '../helpers/service.ts';

const BUSY: Fault = { kind: 'status', status: 503, retryAfter: 0 };
const GONE: Fault = { kind: 'status', status: 404, message: 'No thread found.' };

const ASK = 'What do you know?';
/** Says on ASK all that its thread knows. */
const recite = ({ message, messages }: AnswerTurn) =>
  message === ASK ? messages.map(({ text }) => text).join('|') : `re ${message}`;

/** More exchanges than one call can tell a thread. */
const EXCHANGES = 20;
const messages = (count: number) => Array.from({ length: count }, (_, n) => `message ${n + 1}`);
const knowing = (told: readonly string[]) =>
  [...told.flatMap((message) => [message, `re ${message}`]), ASK].join('|');
const known = knowing(messages(EXCHANGES));

const talkLong = async (exchanges = EXCHANGES) => {
  const both = await startBoth({
    backend: 'assistants',
    env: { HISTORY_MAX_CHARS: '100000', RUN_TIMEOUT: '20s' },
    emulator: { answer: recite },
  });
  for (const message of messages(exchanges)) await both.service.post({ user_id: 'ann', message });
  return both;
};

const ask = (service: TestService) => service.post({ user_id: 'ann', message: ASK });

describe('a long thread that is rebuilt on the Assistants wire', () => {
  it('because the context was full mid-run is told the message, too', async () => {
    const { service, emulator } = await talkLong(2 * EXCHANGES + 10);
    emulator.fail({ on: 'runs', fault: { kind: 'context-full' } });
    const { status, body } = await ask(service);
    // Half of it, which is still more than one call can tell.
    expect([status, body.answer]).toEqual([200, knowing(messages(2 * EXCHANGES + 10).slice(26))]);
    expect(emulator.calls.threads).toBe(1);
  });

  it('because it is gone at a retry is told the message, too', async () => {
    const { service, emulator } = await talkLong();
    emulator.fail({ on: 'runs', fault: { kind: 'failed', afterDeltas: 0 } });
    emulator.fail({ on: 'runs', fault: GONE });
    const { status, body } = await ask(service);
    expect([status, body.answer]).toEqual([200, known]);
  });

  it.each<[string, Fault]>([
    ['busy', BUSY],
    ['locked', { kind: 'locked' }],
  ])('is told the rest when its run is made at the second try, the server being %s', async (_, fault) => {
    const { service, emulator } = await talkLong();
    emulator.fail({ on: 'runs', fault: GONE });
    emulator.fail({ on: 'runs', fault });
    const { status, body } = await ask(service);
    expect([status, body.answer]).toEqual([200, known]);
    expect(emulator.calls.threads).toBe(1);
    await service.post({ user_id: 'ann', message: 'next' });
    expect((await ask(service)).body.answer).toBe(`${known}|${known}|next|re next|${ASK}`);
    expect(emulator.calls.threads).toBe(1);
  });

  it('tells the message once when its run fails and is made again', async () => {
    const { service, emulator } = await talkLong();
    emulator.fail({ on: 'runs', fault: GONE });
    emulator.fail({ on: 'runs', fault: { kind: 'failed', afterDeltas: 0 } });
    const { status, body } = await ask(service);
    expect([status, body.answer]).toEqual([200, known]);
  });

  it('is not the visitor’s while it knows only half', async () => {
    const { service, emulator } = await talkLong();
    emulator.fail({ on: 'runs', fault: GONE });
    emulator.fail({ on: 'runs', times: 3, fault: BUSY });
    expect((await ask(service)).status).toBe(503);
    expect((await ask(service)).body.answer).toBe(known);
  });
});
