import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { until } from '../helpers/events.ts';
import { startBoth } from '../helpers/service.ts';
import { openSocket, tokenFor } from '../helpers/sockets.ts';

const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

/** Opens some readers of an exchange's events; gives what closes them. */
const readEvents = async (service: { url: string }, id: string, count: number) => {
  const sockets = Array.from({ length: count }, () => {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    socket.write(`GET /api/chat/${id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    return socket;
  });
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('data', resolve))));
  return () => {
    for (const socket of sockets) socket.destroy();
  };
};

describe('a reader that goes mid-answer', () => {
  it('leaves no timer behind, over HTTP and over a WebSocket', async () => {
    const { service, emulator } = await startBoth();
    const token = await tokenFor(service);
    emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 1 } });
    const { events } = await service.stream({ user_id: 'ann', message: 'Think.' });
    const id = (await events.next()).value?.data.id ?? '';
    // Others in this process have timers, too: a few may come and go.
    const before = timers();
    const [some, many] = [before + 5, before + 15];
    const leave = await readEvents(service, id, 20);
    await until(() => timers() > many, 'their timers');
    leave();
    await until(() => timers() < some, 'the end of their timers');

    const clients = await Promise.all(Array.from({ length: 20 }, () => openSocket(service, { token })));
    await until(() => timers() > many, 'their heartbeats');
    for (const { ws } of clients) ws.terminate();
    await until(() => timers() < some, 'the end of their heartbeats');
    emulator.release();
  });
});

describe('a reader that comes back', () => {
  it('after the last event is welcomed at once, before there is anything to tell', async () => {
    const { service, emulator } = await startBoth({ heartbeatMs: 600_000 });
    emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 1 } });
    const { events } = await service.stream({ user_id: 'ann', message: 'Think.' });
    const id = (await events.next()).value?.data.id;
    const last = (await events.next()).value?.id ?? '';
    const response = await fetch(`${service.url}/api/chat/${id}/events`, {
      headers: { 'Last-Event-ID': last },
    });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    emulator.release();
    expect(await response.text()).toContain('event: done');
  });
});
