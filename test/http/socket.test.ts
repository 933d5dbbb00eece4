import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { callApi, SITE_KEY } from '../helpers/api.ts';
import { until } from '../helpers/events.ts';
import { startBoth } from '../helpers/service.ts';
import { openSocket, tokenFor } from '../helpers/sockets.ts';

const WORDS = 'one two three four five six';
const message = (text: string, id: string = randomUUID()) => ({ type: 'message', id, message: text });

const startOpen = async (...options: Parameters<typeof startBoth>) => {
  const both = await startBoth(...options);
  const token = await tokenFor(both.service);
  return { ...both, token, client: await openSocket(both.service, { token }) };
};

describe('a message over a WebSocket', () => {
  it('is answered by the events of its turn, each with its number and the frame that it answers', async () => {
    const { service, client } = await startOpen({ emulator: { answer: () => WORDS } });
    client.send(message('Count.', 'm-1'));
    const told = await client.until();
    const id = told[0]?.id;
    expect(told.map(({ type }) => type)).toEqual([
      'accepted',
      ...Array(told.length - 2).fill('delta'),
      'done',
    ]);
    expect(told.map(({ event }) => event)).toEqual(told.map((_, n) => `${id}:${n}`));
    expect(new Set(told.map((frame) => frame.for))).toEqual(new Set(['m-1']));
    expect(told[0]).toEqual({ type: 'accepted', for: 'm-1', event: `${id}:0`, id });
    expect(told.map(({ text = '' }) => text).join('')).toBe(WORDS);
    expect(told.at(-1)).toEqual({
      type: 'done',
      for: 'm-1',
      event: `${id}:${told.length - 1}`,
      id,
      answer: WORDS,
    });
    const log = await service.finalLog();
    expect(log.anonymous).toMatchObject([{ id, user: 'Count.', bot: WORDS }]);
  });

  it('is of the visitor of the token, whose thread and history it goes on with', async () => {
    const { service } = await startBoth({ env: { SITE_KEYS: SITE_KEY } });
    const token = await tokenFor(service, 'ann');
    const client = await openSocket(service, { token });
    await service.post({ message: 'My name is Ann.' }, { Authorization: `Bearer ${token}` });
    client.send({ ...message('What did I say first?'), user_id: 'bob' });
    expect((await client.until()).at(-1)?.answer).toContain('My name is Ann.');
    const { body } = await callApi(service, 'GET', '/api/history', { bearer: token });
    expect(body.history?.map(({ user }) => user)).toEqual(['My name is Ann.', 'What did I say first?']);
    expect(Object.keys(await service.finalLog())).toEqual(['ann']);
  });

  it('waits in the queue of its thread like any, in the order in which the frames came', async () => {
    const { emulator, client } = await startOpen({ env: { MAX_WAITING: '2' } });
    emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    for (const name of ['1', '2', '3', '4']) client.send(message(`Message ${name}.`, name));
    const taken = await client.until(({ type }) => type === 'error');
    expect(taken.map((frame) => [frame.type, frame.for])).toEqual([
      ['accepted', '1'],
      ['accepted', '2'],
      ['accepted', '3'],
      ['error', '4'],
    ]);
    expect(taken.at(-1)).toMatchObject({ error: { code: 'thread_busy' }, retry_after: 5 });
    emulator.release();
    const done: (string | undefined)[] = [];
    while (done.length < 3) done.push((await client.until()).at(-1)?.for);
    expect(done).toEqual(['1', '2', '3']);
  });

  it('with the id of an earlier frame gets the same exchange, and with another text is refused', async () => {
    const { service, emulator, client, token } = await startOpen();
    client.send(message('Hello!', 'again'));
    const first = await client.until();
    client.send(message('Hello!', 'again'));
    expect(await client.until()).toEqual(first);
    client.send(message('Something else', 'again'));
    expect(await client.next()).toMatchObject({
      type: 'error',
      for: 'again',
      error: { code: 'idempotency_mismatch' },
    });
    // The header means the same.
    const posted = await service.post(
      { message: 'Hello!' },
      { Authorization: `Bearer ${token}`, 'Idempotency-Key': 'again' },
    );
    expect(posted.body.id).toBe(first[0]?.id);
    expect(emulator.calls.responses).toBe(1);
  });

  it('that fails ends in an error with the event that it is', async () => {
    const { emulator, client } = await startOpen();
    emulator.fail({ on: 'responses', fault: { kind: 'status', status: 400 } });
    client.send(message('Hello!', 'm-1'));
    const [accepted, failed] = await client.until();
    expect(failed).toMatchObject({
      type: 'error',
      for: 'm-1',
      event: `${accepted?.id}:1`,
      error: { code: 'upstream_rejected', request_id: client.headers['x-request-id'] },
    });
  });

  it('goes on when its socket does not, and is logged', async () => {
    const { service, emulator, client } = await startOpen();
    emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 1 } });
    client.send(message('Hello!'));
    await client.until(({ type }) => type === 'delta');
    client.ws.terminate();
    emulator.release();
    expect((await service.finalLog()).anonymous?.[0]?.bot).toContain('Hello!');
  });
});

describe('a frame', () => {
  const long = 'x'.repeat(4_001);
  it.each<[string, string, string | undefined, string, RegExp]>([
    ['no JSON', 'Hello!', undefined, 'invalid_json', /./],
    ['JSON but no object', '[]', undefined, 'invalid_request', /whose type is/],
    ['of no known type', '{"type":"hello","id":"7"}', '7', 'invalid_request', /whose type is/],
    ['a message without text', '{"type":"message","id":"7"}', '7', 'invalid_request', /^message /],
    [
      'a message of blanks',
      '{"type":"message","id":"7","message":"  "}',
      '7',
      'invalid_request',
      /^message /,
    ],
    ['a message without id', '{"type":"message","message":"Hi"}', undefined, 'invalid_request', /^id /],
    [
      'a message with an id that is no key',
      '{"type":"message","id":"a b","message":"Hi"}',
      'a b',
      'invalid_request',
      /^id /,
    ],
    ['too long a message', JSON.stringify(message(long, '7')), '7', 'invalid_request', /4000/],
    ['a NUL', '{"type":"message","id":"7","message":"a\\u0000"}', '7', 'invalid_request', /NUL/],
    [
      'a resume from nowhere',
      '{"type":"resume","id":"7","after":-2}',
      '7',
      'invalid_request',
      /^after must be/,
    ],
    ['a resume of nothing', '{"type":"resume"}', undefined, 'invalid_request', /^id /],
    ['a resume of what is unknown', '{"type":"resume","id":"7"}', '7', 'not_found', /./],
    ['a stop of what is unknown', '{"type":"stop","id":"7"}', '7', 'not_found', /./],
  ])('that is %s is refused, and the socket stays', async (_, sent, frame, code, text) => {
    const { emulator, client } = await startOpen();
    client.send(sent);
    const refused = await client.next();
    expect(refused).toMatchObject({ type: 'error', error: { code } });
    expect(refused.error?.detail ?? refused.error?.message).toMatch(text);
    expect(refused.for).toBe(frame);
    expect(refused.event).toBeUndefined();
    client.send(message('Hello!'));
    expect((await client.until()).at(-1)?.type).toBe('done');
    expect(emulator.calls.responses).toBe(1);
  });

  it('of bytes closes the socket with 1003, and one over 64 KiB with 1009', async () => {
    const { service, token, client } = await startOpen();
    client.ws.send(Buffer.from('{}'));
    expect(await client.closed).toMatchObject({ code: 1003 });
    const other = await openSocket(service, { token });
    other.send('x'.repeat(64 * 1024 + 1));
    expect(await other.closed).toMatchObject({ code: 1009 });
    const third = await openSocket(service, { token });
    third.send(`${' '.repeat(64 * 1024 - 15)}{"type":"pong"}`);
    third.send(message('Hello!'));
    expect((await third.until()).at(-1)?.type).toBe('done');
  });

  it('counts as a call of its address, in the bucket of POST /api/chat', async () => {
    const { service, emulator, client, token } = await startOpen({ env: { RATE_LIMIT: '4/1h' } });
    await service.post({ message: 'one more' }, { Authorization: `Bearer ${token}` });
    client.send('nonsense');
    client.send(message('Hello!', 'm-1'));
    await client.until(({ type }) => type === 'done');
    const calls = emulator.calls.total;
    client.send(message('Too many.', 'm-2'));
    const refused = await client.next();
    expect(refused).toMatchObject({ type: 'error', for: 'm-2', error: { code: 'rate_limited' } });
    expect(refused.retry_after).toBeGreaterThan(3_500);
    expect(refused.retry_after).toBeLessThanOrEqual(3_600);
    expect((await service.post({ message: 'Over.' })).status).toBe(429);
    expect(emulator.calls.total).toBe(calls);
  });

  it('counts by the address that a trusted proxy tells', async () => {
    const { service } = await startBoth({ env: { RATE_LIMIT: '1/1h', TRUST_PROXY: '1' } });
    const from = (address: string) => ({ 'X-Forwarded-For': address });
    const { body } = await callApi(service, 'POST', '/api/session', { headers: from('203.0.113.1') });
    const opening = { token: body.session_token, headers: from('203.0.113.2') };
    const client = await openSocket(service, opening);
    client.send(message('Hello!'));
    expect((await client.until()).at(-1)?.type).toBe('done');
    client.send(message('Again!'));
    expect(await client.next()).toMatchObject({ error: { code: 'rate_limited' } });
    const other = await openSocket(service, { ...opening, headers: from('203.0.113.3') });
    other.send(message('Hello!'));
    expect((await other.until()).at(-1)?.type).toBe('done');
  });

  it('beside as many as one socket may have in flight is refused, and what is in flight is not lost', async () => {
    const { emulator, client } = await startOpen({ env: { MAX_WAITING: '40' } });
    emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    for (let n = 0; n < 33; n++) client.send(message(`Message ${n}.`, `m-${n}`));
    const refused = (await client.until()).at(-1);
    expect(refused).toMatchObject({ type: 'error', for: 'm-32', error: { code: 'thread_busy' } });
    await until(() => emulator.inFlight === 1, 'the first run');
    emulator.release();
    const done = new Set<string | undefined>();
    while (done.size < 32) {
      const end = (await client.until()).at(-1);
      expect(end?.type).toBe('done');
      done.add(end?.for);
    }
  });
});
