import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openTurn } from '../../src/chat/live-turns.ts';
import type { AppEnv } from '../../src/http/context.ts';
import { listen } from '../../src/http/server.ts';
import { streamTurn } from '../../src/http/stream-answer.ts';
import { allEvents, readEvents, until } from '../helpers/events.ts';
import { startBoth, type TestService } from '../helpers/service.ts';

const exchangesIn = async (service: TestService, visitor: string) => (await service.finalLog())[visitor];

/** Posts a message as a page does that is closed later; `leave` closes the connection. */
const postAndLeave = (service: TestService, body: object, accept = 'application/json') => {
  const headers = { 'Content-Type': 'application/json', Accept: accept };
  const call = request(`${service.url}/api/chat`, { method: 'POST', headers });
  call.on('error', () => undefined);
  call.end(JSON.stringify(body));
  return { leave: () => call.destroy() };
};

describe('a visitor who leaves mid-answer', () => {
  it('does not stop the run when the answer was to be JSON: it is logged complete', async () => {
    const { service, emulator } = await startBoth();
    emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 2 } });
    const visitor = postAndLeave(service, { user_id: 'ann', message: 'I must go.' });
    await until(() => emulator.inFlight === 1, 'the run');
    visitor.leave();
    const next = service.post({ user_id: 'ann', message: 'What did I say first?' });
    expect(emulator.aborted).toBe(0);
    emulator.release();
    expect((await next).body.answer).toContain('I must go.');
    expect(await exchangesIn(service, 'ann')).toMatchObject([
      { user: 'I must go.', bot: expect.stringMatching(/^You said: "I must go\.".*said first\.$/) },
      { user: 'What did I say first?' },
    ]);
    expect(emulator.aborted).toBe(0);
  });

  it('does not stop the run when the answer was streamed: it is logged complete', async () => {
    const { service, emulator } = await startBoth();
    emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 2 } });
    const { events } = await service.stream({ user_id: 'ann', message: 'I must go.' });
    for await (const { event } of events) if (event === 'delta') break;
    // The loop's end has closed the connection.
    emulator.release();
    const [exchange] = (await exchangesIn(service, 'ann')) ?? [];
    expect(exchange?.bot).toMatch(/^You said: "I must go\.".*said first\.$/);
    expect(emulator.aborted).toBe(0);
  });

  it('while waiting in the queue still gets an answer into the log', async () => {
    const { service, emulator } = await startBoth();
    emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    const first = service.post({ user_id: 'ann', message: 'One.' });
    await until(() => emulator.inFlight === 1, 'the first run');
    const { events } = await service.stream({ user_id: 'ann', message: 'Two.' });
    for await (const { event } of events) if (event === 'accepted') break;
    emulator.release();
    expect((await first).status).toBe(200);
    expect(await exchangesIn(service, 'ann')).toMatchObject([
      { user: 'One.', bot: expect.any(String) },
      { user: 'Two.', bot: expect.stringContaining('"Two."') },
    ]);
  });

  it('is told nothing twice: the thread is free for the next message afterwards', async () => {
    const { service, emulator } = await startBoth({ env: { MAX_WAITING: '0' } });
    emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    const visitor = postAndLeave(service, { user_id: 'ann', message: 'One.' }, 'text/event-stream');
    await until(() => emulator.inFlight === 1, 'the run');
    visitor.leave();
    expect((await service.post({ user_id: 'ann', message: 'Two.' })).body.error?.code).toBe('thread_busy');
    emulator.release();
    await until(
      async () => (await service.post({ user_id: 'ann', message: 'Three.' })).status === 200,
      'free',
    );
    expect((await exchangesIn(service, 'ann'))?.map(({ user }) => user)).toEqual(['One.', 'Three.']);
  });
});

describe('a huge answer', () => {
  /** Long words: the upstream's limit counts tokens, and a word is one. Chat Completions repeats no text at its end. */
  const hugeAnswer = (words: number) => {
    const word = `${'x'.repeat(9_999)} `;
    const env = { MAX_ANSWER_TOKENS: '1000000', RUN_TIMEOUT: '60s' };
    return startBoth({ backend: 'completions', env, emulator: { answer: () => word.repeat(words).trim() } });
  };

  /** A connection that asks for a stream and then reads only when told to. */
  const slowReader = (service: TestService, message: string) => {
    const { hostname, port } = new URL(service.url);
    const body = JSON.stringify({ user_id: 'slow', message });
    const socket = connect(Number(port), hostname);
    socket.pause();
    socket.write(
      `POST /api/chat HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAccept: text/event-stream\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    const chunks: Buffer[] = [];
    const closed = new Promise<string>((resolve) => {
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
    });
    return {
      /** Reads all that is there; resolves when the connection is closed. */
      readToTheEnd: () => {
        socket.resume();
        return closed;
      },
    };
  };

  it('of which a reader leaves 256 KiB unread gets that reader cut off, and is logged complete', async () => {
    const words = 2_000;
    const { service } = await hugeAnswer(words);
    const reader = slowReader(service, 'Tell me everything.');
    const answered = await until(() => service.lines.find(({ msg }) => msg === 'answered'), 'an end', 30_000);
    const got = await reader.readToTheEnd();
    expect(got).toMatch(/^HTTP\/1\.1 200 /);
    expect(got).toContain('event: delta');
    expect(got).not.toContain('event: done');
    // What the kernel's buffers took, and no more.
    expect(got.length).toBeLessThan(words * 10_000);
    const [exchange] = (await exchangesIn(service, 'slow')) ?? [];
    expect(exchange).toMatchObject({ id: answered.exchange, user: 'Tell me everything.' });
    expect(exchange?.bot?.length).toBe(words * 10_000 - 1);
    expect(exchange?.truncated).toBeUndefined();
  }, 60_000);

  it('reaches a reader that keeps up, whole', async () => {
    const { service } = await hugeAnswer(200);
    const { events } = await service.stream({ user_id: 'ann', message: 'Tell me everything.' });
    const all = await allEvents(events);
    expect(all.at(-1)?.event).toBe('done');
    const text = all.map(({ event, data }) => (event === 'delta' ? data.text : '')).join('');
    expect(text.length).toBe(200 * 10_000 - 1);
    expect(all.at(-1)?.data.answer === text).toBe(true);
  });

  it('whose last event alone is larger than what may be left unread is not cut off for that', async () => {
    const visitor = { kind: 'user', id: 'ann' } as const;
    const turn = openTurn({ id: 'an-exchange', visitor, user: 'Hi' });
    const bot = 'x'.repeat(300_000);
    const app = new Hono<AppEnv>().get('/', (c) =>
      streamTurn(c, turn, {
        toAnswer: ({ exchange }) => ({ answer: exchange.bot ?? '', id: exchange.id }),
        newToken: undefined,
        heartbeatMs: 60_000,
      }),
    );
    const server = createServer(getRequestListener(app.fetch));
    onTestFinished(() => void server.close());
    const response = await fetch(await listen(server, '127.0.0.1', 0));
    // All in one breath, so that the reader cannot have read the deltas before the end comes.
    for (let n = 0; n < 4; n++) turn.push({ type: 'delta', text: 'x'.repeat(50_000) });
    turn.push({ type: 'done', exchange: { id: turn.id, visitor, user: 'Hi', timestamp: 1, bot } });
    const all = await allEvents(readEvents(response));
    expect(all.at(-1)).toMatchObject({ event: 'done', data: { answer: bot } });
  });
});

describe('heartbeats', () => {
  it('arrive as comment lines while the assistant is silent, and end with the answer', async () => {
    const { service, emulator } = await startBoth({ heartbeatMs: 20 });
    emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    const { events } = await service.stream({ user_id: 'ann', message: 'Think about it.' });
    const seen: string[] = [];
    for await (const { event } of events) {
      seen.push(event);
      if (seen.filter((kind) => kind === 'comment').length === 3) emulator.release();
    }
    expect(seen.slice(0, 4)).toEqual(['accepted', 'comment', 'comment', 'comment']);
    expect(seen.at(-1)).toBe('done');
    expect(await exchangesIn(service, 'ann')).toHaveLength(1);
  });
});
