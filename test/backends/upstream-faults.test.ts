import { describe, expect, it } from 'vitest';
import type { Fault } from '../../emulator/faults.ts';
import { newVisitor, shared } from '../helpers/at-end.ts';
import { allEvents } from '../helpers/events.ts';
import { BACKENDS, startBoth } from '../helpers/service.ts';

const ENDPOINT = { responses: 'responses', assistants: 'runs', completions: 'completions' } as const;

/** Each way to fail, how often it strikes, and what the visitor is told. */
const FAULTS: [name: string, fault: Fault, times: number, status: number, code: string][] = [
  ['400', { kind: 'status', status: 400 }, 1, 502, 'upstream_rejected'],
  ['401', { kind: 'status', status: 401 }, 1, 502, 'upstream_unauthorized'],
  ['403', { kind: 'status', status: 403 }, 1, 502, 'upstream_unauthorized'],
  ['404 of the model', { kind: 'status', status: 404, code: 'model_not_found' }, 1, 502, 'upstream_rejected'],
  ['422', { kind: 'status', status: 422 }, 1, 502, 'upstream_rejected'],
  ['409, again and again', { kind: 'status', status: 409 }, 3, 502, 'upstream_rejected'],
  ['429, again and again', { kind: 'status', status: 429 }, 3, 503, 'upstream_busy'],
  ['429 with a long wait', { kind: 'status', status: 429, retryAfter: 3600 }, 1, 503, 'upstream_busy'],
  [
    '429 of an account run dry',
    { kind: 'status', status: 429, code: 'insufficient_quota' },
    1,
    502,
    'upstream_unauthorized',
  ],
  ['500, again and again', { kind: 'status', status: 500 }, 3, 502, 'upstream_failed'],
  ['503, again and again', { kind: 'status', status: 503 }, 3, 503, 'upstream_busy'],
  ['HTML with 502, again and again', { kind: 'status', status: 502, html: true }, 3, 502, 'upstream_failed'],
  ['HTML with 200', { kind: 'status', status: 200, html: true }, 1, 502, 'upstream_failed'],
  ['refused connections', { kind: 'refused' }, 3, 502, 'upstream_unreachable'],
  ['silence before the headers', { kind: 'hang-before-headers' }, 1, 504, 'upstream_timeout'],
  ['silence mid-stream', { kind: 'hang-mid-stream' }, 1, 504, 'upstream_timeout'],
  ['a socket cut mid-stream', { kind: 'cut' }, 1, 502, 'upstream_failed'],
  ['a clean end without the final event', { kind: 'end-early' }, 1, 502, 'upstream_failed'],
  ['a failed run', { kind: 'failed', afterDeltas: 3 }, 1, 502, 'upstream_failed'],
  [
    'a run rejected for its prompt',
    { kind: 'failed', code: 'invalid_prompt', afterDeltas: 0 },
    1,
    502,
    'upstream_rejected',
  ],
  [
    'a run failed for its rate',
    { kind: 'failed', code: 'rate_limit_exceeded', afterDeltas: 3 },
    1,
    503,
    'upstream_busy',
  ],
  ['an error event', { kind: 'error-event', afterDeltas: 3 }, 1, 502, 'upstream_failed'],
  ['a broken event', { kind: 'malformed-sse' }, 1, 502, 'upstream_failed'],
];

/** What the log says of a message that failed, and of the next one. */
const loggedAs = (code: string) => [
  { user: 'I like apples.', bot: null, error: code },
  { user: 'Hello again!', bot: expect.any(String) },
];

describe.each(BACKENDS)('at the %s backend', (backend) => {
  const on = ENDPOINT[backend];
  const env = { RUN_TIMEOUT: '5s', STREAM_IDLE_TIMEOUT: '600ms' };
  const both = shared(() => startBoth({ backend, env }));

  // Retrying is one piece of code for all; where it takes seconds, one backend shows it.
  const faults = FAULTS.filter(([, , times]) => backend === 'responses' || times === 1);
  const failures: Record<string, string> = {};

  it.each(faults)('%s: a clear error and a usable thread', async (name, fault, times, status, code) => {
    const { service, emulator } = name.includes('before')
      ? await startBoth({ backend, env: { ...env, RUN_TIMEOUT: '1500ms' } })
      : both();
    // So slow that the words before a failure do not arrive together with it: then it would be retried.
    emulator.pace = 50;
    const user_id = newVisitor();
    const handle = emulator.fail({ on, times, fault });
    const { events, response } = await service.stream({ user_id, message: 'I like apples.' });
    expect(response.status).toBe(200);
    const all = await allEvents(events);
    expect(all.at(-1)).toMatchObject({ event: 'error', data: { error: { code } } });
    expect(all.filter(({ event }) => event === 'error' || event === 'done')).toHaveLength(1);
    expect(handle.struck).toBe(times);
    const told = JSON.stringify(all.at(-1)?.data);
    expect(told).not.toMatch(/emulator|127\.0\.0\.1|openai|stack|at \w+ \(/i);

    emulator.release();
    emulator.pace = 0;
    const again = await service.post({ user_id, message: 'Hello again!' });
    expect(again.status).toBe(200);
    expect(status).toBeGreaterThan(500);
    if (service === both().service) failures[user_id] = code;
    else expect((await service.finalLog())[user_id]).toMatchObject(loggedAs(code));
  });

  it.each<[string, Fault]>([
    ['429', { kind: 'status', status: 429 }],
    ['429 that asks for a second', { kind: 'status', status: 429, retryAfter: 1 }],
    ['500', { kind: 'status', status: 500 }],
    ['503', { kind: 'status', status: 503 }],
    ['a refused connection', { kind: 'refused' }],
    ['a run that failed before its first word', { kind: 'failed', afterDeltas: 0 }],
    ['an error event before the first word', { kind: 'error-event', afterDeltas: 0 }],
  ])('%s that passes is retried, unseen', async (_, fault) => {
    const { service, emulator } = both();
    const handle = emulator.fail({ on, fault });
    const { status, body } = await service.post({ user_id: newVisitor(), message: 'Hello!' });
    expect(status).toBe(200);
    expect(body.answer).toContain('Hello!');
    expect(handle.struck).toBe(1);
  });

  it('an upstream that is down is told as unreachable, as JSON with its status', async () => {
    const { service, emulator } = both();
    const user_id = newVisitor();
    await emulator.stopListening();
    const { status, body } = await service.post({ user_id, message: 'Hello!' });
    expect([status, body.error?.code]).toEqual([502, 'upstream_unreachable']);
    await emulator.listenAgain();
    expect((await service.post({ user_id, message: 'Hello!' })).status).toBe(200);
  });

  it('each failure is logged, and what came after it', async () => {
    const log = await both().service.finalLog();
    for (const [user_id, code] of Object.entries(failures)) {
      expect(log[user_id], user_id).toMatchObject(loggedAs(code));
    }
  });
});

describe('an upstream fault', () => {
  const both = shared(() => startBoth());

  it.each(FAULTS.filter(([, { kind }]) => kind === 'status'))(
    '%s has its HTTP status in the JSON form',
    async (_, fault, times, status, code) => {
      const { service, emulator } = both();
      emulator.fail({ on: 'responses', times, fault });
      const answer = await service.post({ user_id: newVisitor(), message: 'Hello!' });
      expect([answer.status, answer.body.error?.code]).toEqual([status, code]);
      if (code === 'upstream_busy') expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    },
  );

  it('while the conversation is made is told and retried like one of the run', async () => {
    const { service, emulator } = await startBoth();
    emulator.fail({ on: 'conversations', fault: { kind: 'status', status: 500 } });
    expect((await service.post({ user_id: 'ann', message: 'Hello!' })).status).toBe(200);
    emulator.fail({ on: 'conversations', fault: { kind: 'status', status: 200, html: true } });
    const { status, body } = await service.post({ user_id: 'bob', message: 'Hello!' });
    expect([status, body.error?.code]).toEqual([502, 'upstream_failed']);
  });

  it('before the first word does not leave a second conversation behind', async () => {
    const { service, emulator } = await startBoth();
    emulator.fail({ on: 'responses', times: 2, fault: { kind: 'status', status: 500 } });
    await service.post({ user_id: 'ann', message: 'Hello!' });
    expect(emulator.calls.conversations).toBe(1);
  });

  it('that ends a run of assistants early cancels it, so that it costs no more', async () => {
    const { service, emulator } = await startBoth({
      backend: 'assistants',
      env: { STREAM_IDLE_TIMEOUT: '600ms' },
    });
    const cancelled = emulator.next('runs.cancel');
    emulator.fail({ on: 'runs', fault: { kind: 'hang-mid-stream' } });
    await service.post({ user_id: 'ann', message: 'Hello!' });
    await cancelled;
    await emulator.idle();
  });

  it.each(['expired', 'cancelled'] as const)(
    'that ends a run of assistants as %s is told, and the thread goes on',
    async (kind) => {
      const { service, emulator } = await startBoth({ backend: 'assistants', emulator: { pace: 1 } });
      emulator.fail({ on: 'runs', fault: { kind, afterDeltas: 1 } });
      const { status, body } = await service.post({ user_id: 'ann', message: 'Hello!' });
      expect([status, body.error?.code]).toEqual([502, 'upstream_failed']);
      expect((await service.post({ user_id: 'ann', message: 'Hello!' })).status).toBe(200);
    },
  );
});
