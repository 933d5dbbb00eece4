import { describe, expect, it } from 'vitest';
import { allEvents } from '../helpers/events.ts';
import { occupyThread } from '../helpers/occupy.ts';
import { BACKENDS, startBoth, startService, upstreamEnv } from '../helpers/service.ts';

const ENDPOINT = { responses: 'responses', assistants: 'runs', completions: 'completions' } as const;

describe.each(BACKENDS)('the %s backend', (backend) => {
  const endpoint = ENDPOINT[backend];

  it('answers, streams word by word, and remembers the thread', async () => {
    const { service } = await startBoth({ backend, emulator: { pace: 3 } });
    const { events } = await service.stream({ user_id: 'ann', message: 'I like apples.' });
    const all = await allEvents(events);
    expect(all.filter(({ event }) => event === 'delta').length).toBeGreaterThan(2);
    expect(all.at(-1)).toMatchObject({ event: 'done' });
    const { body } = await service.post({ user_id: 'ann', message: 'What did I say first?' });
    expect(body.answer).toContain('I like apples.');
  });

  it('makes one upstream call a message, but for a first one at Responses', async () => {
    const { service, emulator } = await startBoth({ backend });
    // The model is looked up once at the start, on its own.
    const calls = () => emulator.calls.total - emulator.calls['models.retrieve'];
    await service.post({ user_id: 'ann', message: 'one' });
    expect(calls()).toBe(backend === 'responses' ? 2 : 1);
    await service.post({ user_id: 'ann', message: 'two' });
    await service.post({ user_id: 'ann', message: 'three' });
    expect(calls()).toBe(backend === 'responses' ? 4 : 3);
  });

  it('always streams, with the model and the longest answer of the settings', async () => {
    const { service, emulator } = await startBoth({ backend, env: { MAX_ANSWER_TOKENS: '321' } });
    await service.post({ user_id: 'ann', message: 'Hello!' });
    const sent = emulator.requests.at(-1)?.body;
    const limit = {
      responses: 'max_output_tokens',
      assistants: 'max_completion_tokens',
      completions: 'max_tokens',
    };
    expect(sent).toMatchObject({ stream: true, model: 'gpt-6-luna', [limit[backend]]: 321 });
  });

  it('keeps its threads through a restart', async () => {
    const { service, emulator } = await startBoth({ backend });
    await service.post({ user_id: 'ann', message: 'I like cherries.' });
    await service.stop();
    const again = await startService({ ...upstreamEnv(emulator, backend), DATA_DIR: service.dir });
    const { body } = await again.post({ user_id: 'ann', message: 'What did I say first?' });
    expect(body.answer).toContain('I like cherries.');
    expect(emulator.threads).toBe(backend === 'completions' ? 0 : 1);
  });

  it('tells a refusal as the answer', async () => {
    const { service, emulator } = await startBoth({ backend });
    emulator.fail({ on: endpoint, fault: { kind: 'refusal' } });
    const { status, body } = await service.post({ user_id: 'ann', message: 'Do something bad.' });
    expect(status).toBe(200);
    expect(body.answer).toMatch(/\w/);
    expect((await service.finalLog()).ann).toMatchObject([{ bot: body.answer }]);
  });

  it('counts what a run cost', async () => {
    const { service } = await startBoth({ backend });
    await service.post({ user_id: 'ann', message: 'Hello!' });
    const [exchange] = (await service.finalLog()).ann ?? [];
    expect(exchange?.usage).toEqual({ input: expect.any(Number), output: expect.any(Number) });
  });

  it('says an answer whose upstream ignores the limit up to a bound, as truncated', async () => {
    const answer = () => 'word'.repeat(1000);
    const { service } = await startBoth({ backend, emulator: { answer }, env: { MAX_ANSWER_TOKENS: '16' } });
    const { body } = await service.post({ user_id: 'ann', message: 'Hello!' });
    expect(body.truncated).toBe(true);
    expect(body.answer).toHaveLength(16 * 32);
  });

  it('hands over long answers of any script whole', async () => {
    const text = 'Grüße 👩‍👩‍👧 “quoted”\n\n- ένα\n- 二\u2028end '.repeat(300).trim();
    const { service } = await startBoth({ backend, emulator: { answer: () => text } });
    const { body } = await service.post({ user_id: 'ann', message: 'Hello!' });
    expect(body.answer).toBe(text);
  });
});

describe('threads at an upstream', () => {
  it.each(['responses', 'assistants'] as const)(
    'of %s that are gone are replaced within the same message, once',
    async (backend) => {
      const { service, emulator } = await startBoth({ backend });
      await service.post({ user_id: 'ann', message: 'one' });
      emulator.forgetEverything();
      const { status } = await service.post({ user_id: 'ann', message: 'two' });
      expect(status).toBe(200);
      const before = emulator.calls.total;
      await service.post({ user_id: 'ann', message: 'three' });
      expect(emulator.calls.total - before).toBe(1);
      expect(await service.finalLog()).toMatchObject({
        ann: [{ user: 'one' }, { user: 'two', bot: expect.any(String) }, { user: 'three' }],
      });
    },
  );

  it.each(['responses', 'assistants'] as const)(
    'of %s that something else runs on are waited for',
    async (backend) => {
      const { service, emulator } = await startBoth({ backend });
      await service.post({ user_id: 'ann', message: 'I like dates.' });
      const locked = emulator.fail({ times: 2, on: ENDPOINT[backend], fault: { kind: 'locked' } });
      const { status } = await service.post({ user_id: 'ann', message: 'two' });
      expect(status).toBe(200);
      expect(locked.struck).toBe(2);
      expect(emulator.threads).toBe(1);
    },
  );

  it.each(['responses', 'assistants'] as const)(
    'of %s that stay locked are replaced, within the time of the turn',
    async (backend) => {
      const { service, emulator } = await startBoth({ backend, env: { RUN_TIMEOUT: '4s' } });
      await service.post({ user_id: 'ann', message: 'one' });
      await service.post({ user_id: 'ann', message: 'two' });
      await occupyThread(emulator, backend);
      if (backend === 'assistants')
        emulator.fail({ on: 'runs.cancel', fault: { kind: 'status', status: 500 } });
      const { status } = await service.post({ user_id: 'ann', message: 'three' });
      expect(status).toBe(200);
      expect(emulator.threads).toBe(2);
      const before = emulator.calls.total;
      expect((await service.post({ user_id: 'ann', message: 'four' })).status).toBe(200);
      expect(emulator.calls.total - before).toBe(1);
    },
  );

  it('of assistants with a run that a dead process left are freed by cancelling it', async () => {
    const { service, emulator } = await startBoth({ backend: 'assistants' });
    await service.post({ user_id: 'ann', message: 'I like figs.' });
    await service.post({ user_id: 'ann', message: 'two' });
    await occupyThread(emulator, 'assistants');
    const { status, body } = await service.post({ user_id: 'ann', message: 'What did I say first?' });
    expect(status).toBe(200);
    expect(body.answer).toContain('I like figs.');
    expect(emulator.calls['runs.cancel']).toBe(1);
    expect(emulator.threads).toBe(1);
  });
});

describe('the responses backend', () => {
  it('keeps what the model says to itself from the visitor', async () => {
    const { service, emulator } = await startBoth({ emulator: { answer: () => 'The answer.' } });
    emulator.fail({ fault: { kind: 'commentary' } });
    const { body } = await service.post({ user_id: 'ann', message: 'Hello!' });
    expect(body.answer).toBe('The answer.');
  });

  it('tells the provider an opaque name of the visitor, the same each time', async () => {
    const { service, emulator } = await startBoth();
    await service.post({ user_id: 'ann@example.org', message: 'one' });
    await service.post({ user_id: 'ann@example.org', message: 'two' });
    await service.post({ user_id: 'bob@example.org', message: 'one' });
    const bodies = emulator.requests
      .filter(({ path }) => path.endsWith('/responses'))
      .map(({ body }) => body);
    const names = bodies.map((body) =>
      body instanceof Object && 'safety_identifier' in body ? body.safety_identifier : '',
    );
    expect(names[0]).toMatch(/^[\w-]{20,64}$/);
    expect(names[1]).toBe(names[0]);
    expect(names[2]).not.toBe(names[0]);
    expect(JSON.stringify(bodies)).not.toContain('example.org');
  });
});

describe('the completions backend', () => {
  it('tells the newest exchanges that fit, whole and in order, and none that failed', async () => {
    const answer = ({ message }: { message: string }) => `re ${message}`;
    const { service, emulator } = await startBoth({
      backend: 'completions',
      env: { HISTORY_MAX_CHARS: '20' },
      emulator: { answer },
    });
    for (const message of ['first', 'mid', 'bad', 'last']) {
      if (message === 'bad') emulator.fail({ fault: { kind: 'status', status: 400 } });
      await service.post({ user_id: 'ann', message });
    }
    await service.post({ user_id: 'ann', message: 'now' });
    // "last" + "re last" are 11 characters, "mid" + "re mid" 9; "first" does not fit any more.
    expect(emulator.requests.at(-1)?.body).toMatchObject({
      messages: [
        { role: 'system' },
        { role: 'user', content: 'mid' },
        { role: 'assistant', content: 're mid' },
        { role: 'user', content: 'last' },
        { role: 'assistant', content: 're last' },
        { role: 'user', content: 'now' },
      ],
    });
  });

  it('works without a key at a server that wants none', async () => {
    const { service } = await startBoth({ backend: 'completions', env: { OPENAI_API_KEY: '' } });
    expect((await service.post({ message: 'Hi' })).status).toBe(200);
  });
});
