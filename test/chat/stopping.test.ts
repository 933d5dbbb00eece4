import { describe, expect, it } from 'vitest';
import { callApi } from '../helpers/api.ts';
import { until } from '../helpers/events.ts';
import { startBoth } from '../helpers/service.ts';

/** Long enough to be told from an end that waits for the time of a stop to run out. */
const PROMPT_MS = 8_000;

const startClearing = async (env: Record<string, string>) => {
  const both = await startBoth({ env });
  const { service, emulator } = both;
  const session = await callApi(service, 'POST', '/api/session');
  const token = session.body.session_token;
  emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
  const answer = service.post({ message: 'Think.', session_token: token });
  await until(() => emulator.inFlight === 1, 'the run');
  // Of two clearings one finds the queue full; then the other is in it, whichever came first.
  const clear = () => callApi(service, 'DELETE', '/api/history', { bearer: token });
  const [one, two] = [clear(), clear()];
  const { code, cleared } = await Promise.race([
    one.then((refused) => ({ code: refused.code, cleared: two })),
    two.then((refused) => ({ code: refused.code, cleared: one })),
  ]);
  expect(code).toBe('thread_busy');
  return { ...both, answer, cleared };
};

describe('a stop of the service', () => {
  it('during a clearing ends as soon as that is over, not when its time is over', async () => {
    const { service, emulator, answer, cleared } = await startClearing({
      MAX_WAITING: '1',
      SHUTDOWN_TIMEOUT: '60s',
    });
    const startedAt = performance.now();
    const stopped = service.stop();
    emulator.release();
    await stopped;
    expect(performance.now() - startedAt).toBeLessThan(PROMPT_MS);
    expect([(await answer).status, (await cleared).status]).toEqual([200, 204]);
  });

  it('cuts off what a clearing waits for when its time is over, and clears then', async () => {
    const { service, answer, cleared } = await startClearing({ MAX_WAITING: '1', SHUTDOWN_TIMEOUT: '100ms' });
    const startedAt = performance.now();
    await service.stop();
    expect(performance.now() - startedAt).toBeLessThan(PROMPT_MS);
    expect((await answer).body.error?.code).toBe('shutting_down');
    expect((await cleared).status).toBe(204);
  });
});

describe('an answer that is longer than any may be', () => {
  it('is cut between characters, not inside of an emoji', async () => {
    // 16 tokens stand for at most 512 UTF-16 units; the emoji has the last of them and one more.
    const { service } = await startBoth({
      backend: 'completions',
      env: { MAX_ANSWER_TOKENS: '16' },
      emulator: { answer: () => `${'x'.repeat(511)}😀😀` },
    });
    const { body } = await service.post({ user_id: 'ann', message: 'Hi' });
    expect(body.answer).toBe('x'.repeat(511));
    expect(body.truncated).toBe(true);
    expect((await service.finalLog()).ann).toMatchObject([{ bot: 'x'.repeat(511), truncated: true }]);
  });
});
