import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { startChildService } from '../helpers/child-service.ts';
import { allEvents, type ServerEvent, until } from '../helpers/events.ts';
import { readLog, startBoth, startEmulator, startService, upstreamEnv } from '../helpers/service.ts';

const key = (value: string) => ({ 'Idempotency-Key': value });
const HELLO = { user_id: 'ann', message: 'Hello!' };

const textOf = (events: readonly ServerEvent[]): string =>
  events.map(({ event, data }) => (event === 'delta' ? data.text : '')).join('');

describe('the same visitor, key and message again', () => {
  it('gets the same answer and id, and no second run', async () => {
    const { service, emulator } = await startBoth();
    const first = await service.post(HELLO, key('one'));
    const again = await service.post({ ...HELLO, message: '  Hello! ' }, key('one'));
    expect(first.status).toBe(200);
    expect(again.body).toEqual(first.body);
    expect(emulator.calls.responses).toBe(1);
    expect((await service.finalLog()).ann).toHaveLength(1);
  });

  it('follows the turn in flight from its first event', async () => {
    const { service, emulator } = await startBoth();
    emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 2 } });
    const first = await service.stream(HELLO, key('one'));
    const seen: ServerEvent[] = [];
    const begun = Promise.withResolvers<void>();
    const reading = (async () => {
      for await (const event of first.events) {
        seen.push(event);
        if (event.event === 'delta') begun.resolve();
      }
    })();
    await begun.promise;
    const again = await service.stream(HELLO, key('one'));
    const json = service.post(HELLO, key('one'));
    emulator.release();
    expect(await allEvents(again.events)).toEqual(await reading.then(() => seen));
    expect((await json).body.answer).toBe(textOf(seen));
    expect(emulator.calls.responses).toBe(1);
  });

  it('at the same moment runs once, waits in no queue and counts once for the day', async () => {
    const { service, emulator } = await startBoth({ env: { MAX_WAITING: '0', DAILY_MESSAGES: '1' } });
    const answers = await Promise.all(Array.from({ length: 10 }, () => service.post(HELLO, key('one'))));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(emulator.calls.responses).toBe(1);
  });

  it('gets the same exchange after a restart, as JSON and as a stream', async () => {
    const { service, emulator } = await startBoth();
    const first = await service.post(HELLO, key('one'));
    await service.stop();
    const next = await startService({ ...upstreamEnv(emulator), DATA_DIR: service.dir });
    expect((await next.post(HELLO, key('one'))).body).toEqual(first.body);
    const { answer, id } = first.body;
    const { events } = await next.stream(HELLO, key('one'));
    expect(await allEvents(events)).toEqual([
      { event: 'accepted', id: `${id}:0`, data: { id } },
      { event: 'delta', id: `${id}:1`, data: { text: answer } },
      { event: 'done', id: `${id}:2`, data: { answer, id } },
    ]);
    expect(emulator.calls.responses).toBe(1);
  });

  it.each([
    ['gets the same exchange within 24 hours', 23, 1],
    ['runs again after them', 25, 2],
  ])('%s', async (_, hours, runs) => {
    const { service, emulator } = await startBoth();
    const first = await service.post(HELLO, key('one'));
    await service.stop();
    // As if it had been sent that long ago.
    const database = new DatabaseSync(path.join(service.dir, 'thread-proxy.db'));
    database.prepare('UPDATE exchanges SET time = time - ?, at = at - ?').run(hours * 3600, hours * 3600);
    database.close();
    const next = await startService({ ...upstreamEnv(emulator), DATA_DIR: service.dir });
    const again = await next.post(HELLO, key('one'));
    expect(again.body.id === first.body.id).toBe(runs === 1);
    expect(emulator.calls.responses).toBe(runs);
  });

  it('is counted by the limit on calls, like any call', async () => {
    const { service } = await startBoth({ env: { RATE_LIMIT: '2/1h' } });
    await service.post(HELLO, key('one'));
    expect((await service.post(HELLO, key('one'))).status).toBe(200);
    expect((await service.post(HELLO, key('one'))).body.error?.code).toBe('rate_limited');
  });

  it('runs again where the turn failed', async () => {
    const { service, emulator } = await startBoth();
    emulator.fail({ on: 'responses', fault: { kind: 'status', status: 400 } });
    const failed = await service.post(HELLO, key('one'));
    expect(failed.body.error?.code).toBe('upstream_rejected');
    const answered = await service.post(HELLO, key('one'));
    expect(answered.status).toBe(200);
    expect((await service.post(HELLO, key('one'))).body).toEqual(answered.body);
    expect((await service.finalLog()).ann).toMatchObject([{ bot: null }, { id: answered.body.id }]);
  });

  it('runs again where a crash cut the turn off, which is logged as failed', async () => {
    const emulator = await startEmulator({ stopsWhenLeft: true });
    const service = await startChildService(upstreamEnv(emulator));
    emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 1 } });
    const { events } = await service.stream(HELLO, key('one'));
    for await (const { event } of events) if (event === 'delta') break;
    service.kill('SIGKILL');
    await service.ended;
    const next = await startService({ ...upstreamEnv(emulator), DATA_DIR: service.dir });
    const answered = await next.post(HELLO, key('one'));
    expect(answered.status).toBe(200);
    expect((await next.finalLog()).ann).toMatchObject([
      { bot: null, error: 'internal_error' },
      { id: answered.body.id, bot: answered.body.answer },
    ]);
  });
});

describe('an idempotency key', () => {
  it('that comes with another message is refused, in flight and afterwards', async () => {
    const { service, emulator } = await startBoth();
    emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    const first = service.post(HELLO, key('one'));
    await until(() => emulator.inFlight === 1, 'the run');
    const other = { ...HELLO, message: 'Another.' };
    const inFlight = await service.post(other, key('one'));
    expect([inFlight.status, inFlight.body.error?.code]).toEqual([422, 'idempotency_mismatch']);
    emulator.release();
    await first;
    expect((await service.post(other, key('one'))).body.error?.code).toBe('idempotency_mismatch');
    expect(emulator.calls.responses).toBe(1);
  });

  it('is each visitor’s own', async () => {
    const { service, emulator } = await startBoth();
    const [ann, bob] = [
      await service.post(HELLO, key('one')),
      await service.post({ ...HELLO, user_id: 'bob' }, key('one')),
    ];
    expect(ann.body.id).not.toBe(bob.body.id);
    expect(emulator.calls.responses).toBe(2);
  });

  it('opens no anonymous visitor’s exchange: without a token each is another visitor', async () => {
    const { service } = await startBoth();
    const [one, other] = [
      await service.post({ message: 'Hi' }, key('same')),
      await service.post({ message: 'Hi' }, key('same')),
    ];
    expect(one.body.id).not.toBe(other.body.id);
    const session_token = one.body.session_token ?? '';
    const again = await service.post({ message: 'Hi', session_token }, key('same'));
    expect(again.body).toEqual({ id: one.body.id, answer: one.body.answer });
  });

  it.each([
    ['', 400],
    ['a b', 400],
    ['é', 400],
    ['x'.repeat(256), 400],
    ['x'.repeat(255), 200],
    ['"5f0c-{}~!"', 200],
  ])('%j answers %i', async (value, status) => {
    const { service } = await startBoth();
    const answer = await service.post(HELLO, key(value));
    expect(answer.status).toBe(status);
    if (status === 400) {
      expect(answer.body.error?.code).toBe('invalid_request');
      expect(answer.body.error?.detail).toMatch(/^Idempotency-Key /);
    }
  });

  it('stands in no file', async () => {
    const { service } = await startBoth();
    await service.post(HELLO, key('a-key-that-is-a-secret'));
    await service.stop();
    const files = await readdir(service.dir, { recursive: true, withFileTypes: true });
    for (const file of files.filter((one) => one.isFile())) {
      const text = await readFile(path.join(file.parentPath, file.name), 'latin1');
      expect(text, file.name).not.toContain('a-key-that-is-a-secret');
    }
    expect(await readLog(service.dir)).toMatchObject({ ann: [{ user: 'Hello!' }] });
  });
});
