import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { callApi } from '../helpers/api.ts';
import { until } from '../helpers/events.ts';
import { startBoth } from '../helpers/service.ts';
import { type Client, openSocket, tokenFor } from '../helpers/sockets.ts';

const message = (text: string, id: string = randomUUID()) => ({ type: 'message', id, message: text });

const startOpen = async (...options: Parameters<typeof startBoth>) => {
  const both = await startBoth(...options);
  const token = await tokenFor(both.service);
  return { ...both, token, client: await openSocket(both.service, { token }) };
};

/** A held run on a socket: it is answered when the emulator lets it go. */
const inFlight = async ({ emulator, client }: Awaited<ReturnType<typeof startOpen>>) => {
  emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 1 } });
  client.send(message('I am in flight.'));
  await client.until(({ type }) => type === 'delta');
};

describe('a socket is closed with 1008 when its token', () => {
  const expired = { code: 1008, reason: 'session_expired' };

  it('is ended, at once and amid an answer, which goes on', async () => {
    // Heartbeats would find it, too, later.
    const started = await startOpen({ heartbeatMs: 600_000 });
    const { service, emulator, token, client } = started;
    const [same, other] = [
      await openSocket(service, { token }),
      await openSocket(service, { token: await tokenFor(service) }),
    ];
    await inFlight(started);
    await callApi(service, 'DELETE', '/api/session', { bearer: token });
    expect(await client.closed).toEqual(expired);
    expect(await same.closed).toEqual(expired);
    emulator.release();
    other.send(message('I may stay.'));
    expect((await other.until()).at(-1)?.type).toBe('done');
    const log = await service.finalLog();
    expect(log.anonymous?.[0]?.bot).toContain('I am in flight.');
  });

  it('is refreshed; the new one goes on with the answer', async () => {
    const started = await startOpen({ heartbeatMs: 600_000 });
    const { service, emulator, token, client } = started;
    await inFlight(started);
    const { body } = await callApi(service, 'POST', '/api/session/refresh', { bearer: token });
    expect(await client.closed).toEqual(expired);
    const next = await openSocket(service, { token: body.session_token });
    const id = String(service.lines.find(({ frame }) => frame === 'message')?.exchange);
    next.send({ type: 'resume', id, after: 1 });
    emulator.release();
    expect((await next.until()).at(-1)).toMatchObject({ type: 'done', for: id });
  });

  it('runs out, with the next heartbeat', async () => {
    const { client } = await startOpen({ env: { SESSION_TTL: '1s' }, heartbeatMs: 50 });
    expect(await client.closed).toEqual(expired);
  });

  it('runs out, before a frame that comes after it is looked at', async () => {
    const { emulator, service } = await startBoth({ env: { SESSION_TTL: '1s' } });
    const { body } = await callApi(service, 'POST', '/api/session');
    const client = await openSocket(service, { token: body.session_token });
    await sleep(Number(body.expires_at) * 1000 - Date.now() + 1);
    client.send(message('Too late.'));
    expect(await client.closed).toEqual(expired);
    expect(emulator.calls.responses).toBe(0);
    expect(await service.finalLog()).toEqual({});
  });
});

describe('heartbeats of a socket', () => {
  it('are ping frames, also while the assistant is silent, and pings that browsers answer', async () => {
    const started = await startOpen({ heartbeatMs: 20 });
    await inFlight(started);
    const { client, emulator } = started;
    let protocolPings = 0;
    client.ws.on('ping', () => {
      protocolPings += 1;
    });
    const before = client.pings();
    await until(() => client.pings() > before + 10 && protocolPings > 10, 'pings');
    client.send({ type: 'pong' });
    emulator.release();
    expect((await client.until()).at(-1)?.type).toBe('done');
  });

  it('that are not answered close it: the peer is gone', async () => {
    const { service, token, client } = await startOpen({ heartbeatMs: 50 });
    const gone = await openSocket(service, { token, autoPong: false });
    expect(await gone.closed).toMatchObject({ code: 1006 });
    expect(client.ws.readyState).toBe(client.ws.OPEN);
  });

  it('close it with 1000 when nothing was asked for long, but not amid an answer', async () => {
    const started = await startOpen({ heartbeatMs: 10 });
    const { service, token, emulator, client } = started;
    await inFlight(started);
    const idle = await openSocket(service, { token });
    expect(await idle.closed).toEqual({ code: 1000, reason: 'idle' });
    expect(idle.pings()).toBeGreaterThan(30);
    expect(client.ws.readyState).toBe(client.ws.OPEN);
    emulator.release();
    expect((await client.until()).at(-1)?.type).toBe('done');
    expect(await client.closed).toEqual({ code: 1000, reason: 'idle' });
  });
});

describe('a reader of a socket', () => {
  /** Long words: the upstream's limit counts tokens, and a word is one. Chat Completions repeats no text at its end. */
  const hugeAnswer = (words: number) =>
    startOpen({
      backend: 'completions',
      env: { MAX_ANSWER_TOKENS: '1000000', RUN_TIMEOUT: '60s' },
      emulator: { answer: () => `${'x'.repeat(9_999)} `.repeat(words).trim() },
    });
  const textIn = (frames: Awaited<ReturnType<Client['until']>>) =>
    frames.map(({ type, text = '' }) => (type === 'delta' ? text : '')).join('');

  it('that keeps up gets a huge answer whole', async () => {
    const { client } = await hugeAnswer(200);
    client.send(message('Tell me everything.'));
    const told = await client.until();
    expect(textIn(told).length).toBe(200 * 10_000 - 1);
    expect(told.at(-1)?.answer === textIn(told)).toBe(true);
  });

  it('that leaves 256 KiB unread is cut off, and the answer is logged complete', async () => {
    const words = 2_000;
    const { service, client } = await hugeAnswer(words);
    client.ws.pause();
    client.send(message('Tell me everything.'));
    await until(() => service.lines.find(({ msg }) => msg === 'answered'), 'an end', 30_000);
    await until(() => service.lines.find(({ msg }) => msg === 'socket closed'), 'the end of the socket');
    client.ws.resume();
    expect(await client.closed).toMatchObject({ code: 1006 });
    const log = await service.finalLog();
    expect(log.anonymous?.[0]?.bot?.length).toBe(words * 10_000 - 1);
  }, 60_000);

  it('that comes back to a huge answer gets it as fast as it reads, and what comes meanwhile after it', async () => {
    const { service, token } = await hugeAnswer(1_000);
    const said = await service.post({ message: 'Tell me everything.', session_token: token });
    const id = said.body.id ?? '';
    const back = await openSocket(service, { token });
    back.ws.pause();
    back.send({ type: 'resume', id });
    back.send(message('Once more!', 'm-2'));
    const answered = () => service.lines.filter(({ msg }) => msg === 'answered').length;
    await until(() => answered() === 2, 'the end of the second', 30_000);
    back.ws.resume();
    const told = [...(await back.until()), ...(await back.until())];
    for (const name of [id, 'm-2']) {
      const ofIt = told.filter((frame) => frame.for === name);
      expect(textIn(ofIt).length).toBe(1_000 * 10_000 - 1);
      expect(ofIt.at(-1)?.answer === textIn(ofIt)).toBe(true);
    }
  }, 60_000);

  it('that sends nonsense and reads no answer to it is cut off, without the help of heartbeats', async () => {
    const { service, client } = await startOpen({ heartbeatMs: 600_000 });
    client.ws.pause();
    const isCutOff = () => service.lines.some(({ msg }) => msg === 'socket closed');
    const nonsense = JSON.stringify({ type: 'message', id: 'x'.repeat(255) });
    while (!isCutOff()) {
      for (let n = 0; n < 30; n++) client.send(nonsense);
      await sleep(1);
    }
  });
});

describe('a slow reader of a socket', () => {
  const BEAT_MS = 300;

  it('that reads on outlives the heartbeats to which it cannot answer', async () => {
    const { service, token } = await startOpen({
      backend: 'completions',
      env: { MAX_ANSWER_TOKENS: '1000000', RUN_TIMEOUT: '60s' },
      emulator: { answer: () => `${'x'.repeat(99_999)} `.repeat(100).trim() },
      heartbeatMs: BEAT_MS,
    });
    const said = await service.post({ message: 'Tell me everything.', session_token: token });
    const reader = await openSocket(service, { token, autoPong: false });
    for (let n = 0; n < 4; n++) reader.send({ type: 'resume', id: said.body.id });
    // It takes what is there for a moment, again and again, for well more than four heartbeats.
    const startedAt = performance.now();
    const pausing = setInterval(() => {
      reader.ws.pause();
      setTimeout(() => reader.ws.resume(), 95);
    }, 100);
    onTestFinished(() => clearInterval(pausing));
    for (let n = 0; n < 4; n++) {
      expect((await reader.until()).at(-1)?.answer?.length).toBe(100 * 100_000 - 1);
    }
    expect(performance.now() - startedAt).toBeGreaterThan(5 * BEAT_MS);
  }, 60_000);
});

describe('a stop of the service', () => {
  it('closes idle sockets with 1001 at once, and others when their answers are told; takes no frames', async () => {
    const started = await startOpen();
    const { service, emulator, token, client } = started;
    await inFlight(started);
    const idle = await openSocket(service, { token });
    const stopped = service.stop();
    expect(await idle.closed).toEqual({ code: 1001, reason: 'shutting_down' });
    const exchange = service.lines.find(({ frame }) => frame === 'message')?.exchange;
    for (const frame of [message('Too late.', 'm-2'), { type: 'resume', id: exchange }]) {
      client.send(frame);
      expect(await client.next()).toMatchObject({
        type: 'error',
        for: frame.id,
        error: { code: 'shutting_down' },
        retry_after: 5,
      });
    }
    await expect(openSocket(service, { token })).rejects.toThrow('503');
    emulator.release();
    expect((await client.until()).at(-1)?.type).toBe('done');
    expect(await client.closed).toEqual({ code: 1001, reason: 'shutting_down' });
    await stopped;
  });

  it('tells of answers that do not end in time, and closes', async () => {
    const started = await startOpen({ env: { SHUTDOWN_TIMEOUT: '100ms' } });
    await inFlight(started);
    const stopped = started.service.stop();
    expect((await started.client.until()).at(-1)).toMatchObject({ error: { code: 'shutting_down' } });
    expect(await started.client.closed).toMatchObject({ code: 1001 });
    await stopped;
  });

  it('does not wait for a peer that does not answer the close', async () => {
    const { service, client } = await startOpen();
    client.ws.pause();
    const began = Date.now();
    await service.stop();
    expect(Date.now() - began).toBeLessThan(5_000);
  });
});
