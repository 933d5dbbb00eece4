import { describe, expect, it } from 'vitest';
import { occupyThread } from '../helpers/occupy.ts';
import { BACKENDS, startBoth, startEmulator, startService, upstreamEnv } from '../helpers/service.ts';

const FIRST = 'I like apples.';
const ASK = 'What did I say first?';
const pairs = BACKENDS.flatMap((from) =>
  BACKENDS.filter((to) => to !== from).map((to) => [from, to] as const),
);

/** Told all at once, so that the emulator's memory of the thread is only what we told it. */
const talk = async (service: {
  post(body: unknown): Promise<{ body: { session_token?: string | undefined } }>;
}) => {
  await service.post({ user_id: 'ann', message: FIRST });
  const { body } = await service.post({ message: 'I like bananas.' });
  return body.session_token;
};

describe('the memory of a visitor', () => {
  it.each(pairs)('moves from %s to %s, also for an anonymous one, and to nobody else', async (from, to) => {
    const { service } = await startBoth({ backend: from });
    const session_token = await talk(service);
    await service.stop();

    const fresh = await startEmulator();
    const moved = await startService({ ...upstreamEnv(fresh, to), DATA_DIR: service.dir });
    expect((await moved.post({ user_id: 'ann', message: ASK })).body.answer).toContain(FIRST);
    const anonymous = await moved.post({ message: ASK, session_token });
    expect(anonymous.body.answer).toContain('I like bananas.');
    for (const stranger of [{ user_id: 'bob' }, {}]) {
      const { body } = await moved.post({ ...stranger, message: ASK });
      expect(body.answer).not.toMatch(/apples|bananas/);
    }
  });

  it.each(['responses', 'assistants'] as const)('outlives the loss of all threads at %s', async (backend) => {
    const { service, emulator } = await startBoth({ backend });
    const session_token = await talk(service);
    emulator.forgetEverything();
    const { body } = await service.post({ user_id: 'ann', message: ASK });
    expect(body.answer).toContain(FIRST);
    const anonymous = await service.post({ message: ASK, session_token });
    expect(anonymous.body.answer).toContain('I like bananas.');
  });

  it.each(['responses', 'assistants'] as const)(
    'outlives a thread that stays locked at %s',
    async (backend) => {
      const { service, emulator } = await startBoth({ backend, env: { RUN_TIMEOUT: '4s' } });
      await service.post({ user_id: 'ann', message: FIRST });
      await service.post({ user_id: 'ann', message: 'two' });
      await occupyThread(emulator, backend);
      if (backend === 'assistants')
        emulator.fail({ on: 'runs.cancel', fault: { kind: 'status', status: 500 } });
      const { body } = await service.post({ user_id: 'ann', message: ASK });
      expect(body.answer).toContain(FIRST);
    },
  );

  it('outlives a restart of the offline assistant, which remembers nothing itself', async () => {
    const service = await startService();
    await service.post({ user_id: 'ann', message: FIRST });
    await service.stop();
    const again = await startService({ DATA_DIR: service.dir });
    expect((await again.post({ user_id: 'ann', message: ASK })).body.answer).toContain(FIRST);
  });

  it('comes along when a thread has rested longer than THREAD_IDLE', async () => {
    const { service, emulator } = await startBoth({ env: { THREAD_IDLE: '1s' } });
    await service.post({ user_id: 'ann', message: FIRST });
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    expect((await service.post({ user_id: 'ann', message: ASK })).body.answer).toContain(FIRST);
    expect(emulator.threads).toBe(2);
  });

  it('comes along when the account changes, and stays in its thread when nothing does', async () => {
    const { service, emulator } = await startBoth();
    await service.post({ user_id: 'ann', message: FIRST });
    await service.stop();
    const env = { ...upstreamEnv(emulator), DATA_DIR: service.dir };
    const same = await startService(env);
    await same.post({ user_id: 'ann', message: 'two' });
    await same.stop();
    expect(emulator.threads).toBe(1);
    const other = await startService({ ...env, OPENAI_API_KEY: 'the-key-of-another-account' });
    expect((await other.post({ user_id: 'ann', message: ASK })).body.answer).toContain(FIRST);
    expect(emulator.threads).toBe(2);
  });
});

describe('rebuilding a thread', () => {
  const chatter = async (service: Awaited<ReturnType<typeof startService>>, exchanges: number) => {
    await service.post({ user_id: 'ann', message: FIRST });
    for (let n = 2; n <= exchanges; n += 1) await service.post({ user_id: 'ann', message: `message ${n}` });
  };

  it('of 20 exchanges takes three calls at Responses, at most 20 items each', async () => {
    const { service, emulator } = await startBoth();
    await chatter(service, 20);
    emulator.forgetEverything();
    const before = emulator.calls.total;
    const { body } = await service.post({ user_id: 'ann', message: ASK });
    expect(body.answer).toContain(FIRST);
    // The call that is told that the thread is gone, and then the three.
    expect(emulator.calls.total - before).toBe(1 + 3);
    const told = emulator.requests.slice(-3, -1).map(({ body: sent }) => sent);
    for (const sent of told) expect(sent).toMatchObject({ items: { length: 20 } });
  });

  it.each([
    [15, 1],
    [20, 2],
    [60, 2],
  ])(
    'of %i exchanges takes %i calls on the Assistants wire, at most 32 messages each',
    async (exchanges, calls) => {
      const { service, emulator } = await startBoth({ backend: 'assistants' });
      await chatter(service, exchanges);
      emulator.forgetEverything();
      const before = emulator.calls.total;
      const { body } = await service.post({ user_id: 'ann', message: ASK });
      expect(body.answer).toContain(FIRST);
      expect(emulator.calls.total - before).toBe(1 + calls);
    },
  );

  it('tells the newest exchanges that fit HISTORY_MAX_CHARS, whole', async () => {
    const answer = ({ message }: { message: string }) => `re ${message}`;
    const { service, emulator } = await startBoth({ env: { HISTORY_MAX_CHARS: '20' }, emulator: { answer } });
    for (const message of ['first', 'mid', 'last']) await service.post({ user_id: 'ann', message });
    emulator.forgetEverything();
    await service.post({ user_id: 'ann', message: 'now' });
    expect(emulator.requests.findLast(({ endpoint }) => endpoint === 'conversations')?.body).toEqual({
      items: [
        { role: 'user', content: 'mid' },
        { role: 'assistant', content: 're mid' },
        { role: 'user', content: 'last' },
        { role: 'assistant', content: 're last' },
      ],
    });
  });

  it('happens at most once a message', async () => {
    const { service, emulator } = await startBoth();
    await service.post({ user_id: 'ann', message: FIRST });
    emulator.fail({ on: 'responses', times: 2, fault: { kind: 'status', status: 404 } });
    const { status, body } = await service.post({ user_id: 'ann', message: 'two' });
    expect([status, body.error?.code]).toEqual([502, 'upstream_rejected']);
    expect(emulator.calls.conversations).toBe(2);
    expect((await service.post({ user_id: 'ann', message: ASK })).body.answer).toContain(FIRST);
  });

  it.each(BACKENDS)('with half the history is what helps with a full context at %s', async (backend) => {
    const endpoint = { responses: 'responses', assistants: 'runs', completions: 'completions' } as const;
    const { service, emulator } = await startBoth({ backend, env: { HISTORY_MAX_CHARS: '1000' } });
    for (const n of [1, 2, 3, 4]) await service.post({ user_id: 'ann', message: `${n} ${'x'.repeat(50)}` });
    emulator.fail({
      on: endpoint[backend],
      fault: { kind: 'status', status: 400, code: 'context_length_exceeded' },
    });
    const { status } = await service.post({ user_id: 'ann', message: 'Still there?' });
    expect(status).toBe(200);
    const told = JSON.stringify(emulator.requests.slice(-2).map(({ body }) => body));
    expect(told).toContain('4 xxx');
    expect(JSON.stringify(emulator.requests.at(-1)?.body)).not.toContain('1 xxx');
  });
});
