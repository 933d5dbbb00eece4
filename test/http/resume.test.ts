import { get, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { allEvents, type ServerEvent } from '../helpers/events.ts';
import { exchangeRaw } from '../helpers/raw-http.ts';
import { startBoth, startService, upstreamEnv } from '../helpers/service.ts';
import { resume } from '../helpers/turns.ts';
import { status, WORDS, wholeTurn } from '../helpers/whole-turn.ts';

describe('GET /api/chat/{id}/events', () => {
  it('goes on after the last event while the turn lives, without loss or repetition', async () => {
    const { service, emulator } = await startBoth({ emulator: { answer: WORDS.answer } });
    emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 3 } });
    const { events } = await service.stream({ user_id: 'ann', message: 'Count.' });
    const seen: ServerEvent[] = [];
    for await (const event of events) {
      seen.push(event);
      if (event.event === 'delta') break;
    }
    const id = seen[0]?.data.id;
    const { response, events: rest } = await resume(service, id, seen.at(-1)?.id);
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(response.headers.get('cache-control')).toBe('no-store, no-transform');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    emulator.release();
    seen.push(...(await allEvents(rest)));
    expect(seen.map((event) => event.id)).toEqual(seen.map((_, n) => `${id}:${n}`));
    const text = seen.map(({ event, data }) => (event === 'delta' ? data.text : '')).join('');
    expect(text).toBe('one two three four five six');
    expect(seen.at(-1)).toMatchObject({ event: 'done', data: { answer: text, id } });
    expect(emulator.calls.responses).toBe(1);
  });

  it('gives what is left of a turn that is just over, from whatever event on', async () => {
    const { service } = await startBoth({ emulator: WORDS });
    const { all, id } = await wholeTurn(service);
    expect(all.length).toBeGreaterThan(3);
    expect(await allEvents((await resume(service, id)).events)).toEqual(all);
    for (const [n, { id: last }] of all.slice(0, -1).entries()) {
      expect(await allEvents((await resume(service, id, last)).events)).toEqual(all.slice(n + 1));
    }
    // Whoever has seen the end is told it again, so that every reader comes to one.
    expect(await allEvents((await resume(service, id, all.at(-1)?.id)).events)).toEqual(all.slice(-1));
  });

  it('gives the answer from the log after a restart: the whole text to who has seen none, else done alone', async () => {
    const { service, emulator } = await startBoth({ emulator: WORDS });
    const { all, id } = await wholeTurn(service);
    await service.stop();
    const next = await startService({ ...upstreamEnv(emulator), DATA_DIR: service.dir });
    const answer = 'one two three four five six';
    const done = (n: number) => ({ event: 'done', id: `${id}:${n}`, data: { answer, id } });
    const accepted = { event: 'accepted', id: `${id}:0`, data: { id } };
    const delta = { event: 'delta', id: `${id}:1`, data: { text: answer } };
    expect(await allEvents((await resume(next, id)).events)).toEqual([accepted, delta, done(2)]);
    for (const [n, { id: last }] of all.entries()) {
      const rest = await allEvents((await resume(next, id, last)).events);
      expect(rest).toEqual(n === 0 ? [delta, done(2)] : [done(n + 1)]);
    }
    expect(emulator.calls.responses).toBe(1);
  });

  it('ends in the error of a turn that failed, just over and after a restart', async () => {
    const { service, emulator } = await startBoth();
    emulator.fail({ on: 'responses', fault: { kind: 'status', status: 400 } });
    const { all, id } = await wholeTurn(service);
    expect(all.at(-1)).toMatchObject({ event: 'error', data: { error: { code: 'upstream_rejected' } } });
    const message = all.at(-1)?.data.error?.message;
    const expected = [
      { event: 'accepted' },
      { event: 'error', id: `${id}:1`, data: { error: { code: 'upstream_rejected', message } } },
    ];
    expect(await allEvents((await resume(service, id)).events)).toMatchObject(expected);
    await service.stop();
    const next = await startService({ ...upstreamEnv(emulator), DATA_DIR: service.dir });
    expect(await allEvents((await resume(next, id)).events)).toMatchObject(expected);
    expect(await allEvents((await resume(next, id, `${id}:7`)).events)).toMatchObject([
      { event: 'error', id: `${id}:8` },
    ]);
  });

  it('waits for a turn in the queue, with comment lines', async () => {
    const { service, emulator } = await startBoth({ heartbeatMs: 20 });
    emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    const { events } = await service.stream({ user_id: 'ann', message: 'Think.' });
    let id: string | undefined;
    for await (const event of events) {
      id = event.data.id;
      break;
    }
    const seen: string[] = [];
    for await (const { event } of (await resume(service, id)).events) {
      seen.push(event);
      if (event === 'comment') emulator.release();
    }
    expect(seen.slice(0, 2)).toEqual(['accepted', 'comment']);
    expect(seen.at(-1)).toBe('done');
  });

  it('writes what came before as fast as it is read, however much it is', async () => {
    const word = `${'x'.repeat(9_999)} `;
    const env = { MAX_ANSWER_TOKENS: '1000000', RUN_TIMEOUT: '60s' };
    const answer = () => word.repeat(90).trim();
    const { service } = await startBoth({ backend: 'completions', env, emulator: { answer, pace: 1 } });
    const { all, id } = await wholeTurn(service);
    const again = await allEvents((await resume(service, id)).events);
    expect(again.length).toBe(all.length);
    expect(again.at(-1)?.data.answer?.length).toBe(90 * 10_000 - 1);
  });

  it('goes on with a reader that takes its time over what came before, and not with one that reads nothing', async () => {
    const answer = () => `${'x'.repeat(99_999)} `.repeat(160).trim();
    const { service } = await startBoth({
      backend: 'completions',
      env: { MAX_ANSWER_TOKENS: '1000000', RUN_TIMEOUT: '60s' },
      emulator: { answer },
      heartbeatMs: 300,
    });
    const { body } = await service.post({ user_id: 'ann', message: 'Everything.' });
    /** Reads the first pieces with a wait after each, and then the rest as fast as it comes. */
    const read = async (pieces: number, waitMs: number): Promise<number> => {
      const incoming = await new Promise<IncomingMessage>((resolve) => {
        get(`${service.url}/api/chat/${body.id}/events`, { agent: false }, resolve);
      });
      let length = 0;
      for await (const chunk of incoming) {
        length += chunk.length;
        if (pieces-- > 0) await sleep(waitMs);
      }
      return length;
    };
    expect(await read(100, 20)).toBeGreaterThan(2 * 16_000_000);
    await expect(read(1, 3_000)).rejects.toThrow('aborted');
  }, 60_000);

  it.each(['nonsense', '5', ':1', 'x:-1', 'x:1.5'])('refuses the Last-Event-ID %j', async (last) => {
    const { service } = await startBoth();
    const { id } = await wholeTurn(service);
    expect(await status(service, id, last)).toBe(400);
  });

  it('refuses the Last-Event-ID of another exchange', async () => {
    const { service } = await startBoth();
    const [one, other] = [await wholeTurn(service), await wholeTurn(service)];
    expect(await status(service, one.id, `${other.id}:1`)).toBe(400);
  });

  it('answers HEAD at once, also while the turn lives, and leaves the connection to the next request', async () => {
    const { service, emulator } = await startBoth();
    emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    const { events } = await service.stream({ user_id: 'ann', message: 'Count.' });
    const id = (await events.next()).value?.data.id;
    const head = `HEAD /api/chat/${id}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
    const next = 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n';
    const answers = await exchangeRaw(service.url, { bytes: Buffer.from(head + next) });
    expect(answers.map(({ status, body }) => [status, body])).toEqual([
      [200, ''],
      [200, '{"status":"ok"}'],
    ]);
    emulator.release();
  });

  it('is counted apart from messages', async () => {
    const { service } = await startBoth({ env: { RATE_LIMIT: '2/1h' } });
    const { id } = await wholeTurn(service);
    expect([await status(service, id), await status(service, id)]).toEqual([200, 200]);
    const { response } = await resume(service, id);
    expect(response.status).toBe(429);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await service.post({ message: 'Still?' })).status).toBe(200);
  });
});
