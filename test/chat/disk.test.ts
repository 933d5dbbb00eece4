import { rename } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { breakDisk, databaseOf, readiness, untilReady } from '../helpers/break-disk.ts';
import { type ChildService, startChildService } from '../helpers/child-service.ts';
import { allEvents, until } from '../helpers/events.ts';
import {
  type Answer,
  readLog,
  startBoth,
  startEmulator,
  type TestService,
  upstreamEnv,
} from '../helpers/service.ts';

const outcome = ({ status, body }: Answer) => [status, body.error?.code];
const UNAVAILABLE = [503, 'log_unavailable'];

/** What would tell a stranger where things are on our disk. */
const expectNoPath = (text: string, service: { dir: string }) => {
  expect(text).not.toContain(service.dir);
  expect(text).not.toMatch(/thread-proxy\.db|conversations|\.json|(^|[\s"'(])\/\w/);
};

describe('while the disk is broken', () => {
  it('chats are refused before they cost an upstream call, and service resumes by itself', async () => {
    const { service, emulator } = await startBoth();
    const before = await service.post({ user_id: 'ann', message: 'Before.' });
    const calls = emulator.calls.total;
    const mend = await breakDisk(service);

    for (let n = 0; n < 3; n++) {
      const refused = await service.post({ user_id: 'ann', message: `Refused ${n}.` });
      expect(outcome(refused)).toEqual(UNAVAILABLE);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      expectNoPath(JSON.stringify(refused.body), service);
    }
    const { response } = await service.stream({ message: 'Refused, too.' });
    expect(response.status).toBe(503);
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
    expect(emulator.calls.total).toBe(calls);

    await mend();
    const after = await service.post({ user_id: 'ann', message: 'After.' });
    expect(after.status).toBe(200);
    const log = await service.finalLog();
    expect(log).toMatchObject({ ann: [{ id: before.body.id }, { id: after.body.id }] });
    expect(Object.values(log).flat()).toHaveLength(2);
  });

  it('readyz says why, in words that name no path, and the log says it in full', async () => {
    const { service } = await startBoth();
    const mend = await breakDisk(service);
    const { text } = await readiness(service);
    expect(JSON.parse(text)).toEqual({
      status: 'unavailable',
      reason: expect.stringMatching(/^the log cannot be written/),
    });
    expectNoPath(JSON.parse(text).reason, service);
    expect(JSON.stringify(service.lines.filter(({ level }) => level === 'error'))).toContain(service.dir);
    await mend();
    expect((await readiness(service)).text).toBe('{"status":"ok"}');
  });

  it('a refused message is not counted against a budget of one that is left', async () => {
    const { service } = await startBoth({ env: { DAILY_MESSAGES: '1' } });
    const mend = await breakDisk(service);
    expect(outcome(await service.post({ message: 'Refused.' }))).toEqual(UNAVAILABLE);
    await mend();
    expect((await service.post({ message: 'The one.' })).status).toBe(200);
  });
});

describe('an answer that is there while the disk is not', () => {
  const BOBS = { user_id: 'bob', message: 'And this.' };
  const BOBS_KEY = { 'Idempotency-Key': 'bobs' };

  /** A JSON and an SSE visitor whose answers are held while the disk breaks. */
  const answersInFlight = async () => {
    const { service, emulator } = await startBoth();
    emulator.fail({ on: 'responses', times: 2, fault: { kind: 'hold', afterDeltas: 1 } });
    const json = service.post({ user_id: 'ann', message: 'Keep this.' });
    const { events } = await service.stream(BOBS, BOBS_KEY);
    const streamed = allEvents(events);
    await until(() => emulator.inFlight === 2, 'both runs');
    const mend = await breakDisk(service);
    emulator.release();
    await until(() => service.lines.filter(({ msg }) => msg === 'answered').length === 2, 'both answers');
    return { service, emulator, json, streamed, mend };
  };

  const expectBothOnce = async (service: TestService, emulator: { calls: { responses: number } }) => {
    const bot = expect.stringMatching(/^You said:/);
    expect(await service.finalLog()).toEqual({
      ann: [expect.objectContaining({ user: 'Keep this.', bot })],
      bob: [expect.objectContaining({ user: 'And this.', bot })],
    });
    expect(emulator.calls.responses).toBe(2);
  };

  it('is given to its visitor when the disk returns in time, and logged once', async () => {
    const { service, emulator, json, streamed, mend } = await answersInFlight();
    let told = 0;
    for (const end of [json, streamed]) void end.then(() => told++);
    expect(outcome(await service.post({ user_id: 'carol', message: 'Refused.' }))).toEqual(UNAVAILABLE);
    expect(told).toBe(0);
    await mend();
    const { status, body } = await json;
    expect(status).toBe(200);
    expect((await streamed).at(-1)?.event).toBe('done');
    await expectBothOnce(service, emulator);
    expect((await readLog(service.dir)).ann).toMatchObject([{ id: body.id, bot: body.answer }]);
  });

  it('is waited for by its visitor for 10 s at most, and logged once when the disk returns later', async () => {
    const { service, emulator, json, streamed, mend } = await answersInFlight();
    const began = Date.now();
    const refused = await json;
    const last = (await streamed).at(-1);
    expect(Date.now() - began).toBeLessThan(10_500);
    expect(outcome(refused)).toEqual(UNAVAILABLE);
    expect(last).toMatchObject({ event: 'error', data: { error: { code: 'log_unavailable' } } });
    expectNoPath(JSON.stringify([refused.body, last?.data.error]), service);
    await mend();
    // Sent again, the message gets the answer that was late, not another.
    expect(await service.post(BOBS, BOBS_KEY)).toMatchObject({
      status: 200,
      body: { id: last?.id?.split(':')[0] },
    });
    await expectBothOnce(service, emulator);
  }, 30_000);

  it('is written by a stop, too, when the disk returns within its time', async () => {
    const { service, emulator, json, mend } = await answersInFlight();
    const stopping = service.stop();
    await until(() => service.lines.some(({ msg }) => msg.startsWith('stopping')), 'the stop');
    await rename(`${databaseOf(service)}.away`, databaseOf(service));
    await stopping;
    expect((await json).status).toBe(200);
    await expectBothOnce(service, emulator);
    expect(mend).toBeDefined();
  });
});

describe('on a disk that is full', () => {
  /** Posts until so many messages are acknowledged; gives their ids. */
  const fill = async (service: ChildService, count: number) => {
    const ids: unknown[] = [];
    while (ids.length < count) {
      const answer = await service.post({ user_id: 'ann', message: `${ids.length} ${'x'.repeat(2_000)}` });
      if (answer.status === 200) ids.push(answer.body.id);
      else {
        expect(outcome(answer)).toEqual(UNAVAILABLE);
        await untilReady(service, 200);
      }
    }
    return ids;
  };

  it('nothing that was acknowledged is lost, though no file can grow beyond one or two MiB', async () => {
    const emulator = await startEmulator();
    const env = upstreamEnv(emulator);
    // Blocks of 512 bytes or of 1 KiB, as the shell has it: the write-ahead log soon fills them.
    const small = await startChildService(env, { limit: 'ulimit -f 2048' });
    const ids = await fill(small, 60);
    small.kill('SIGTERM');
    expect(await small.ended).toEqual([0, null]);
    expect(small.stdout()).toMatch(/SQLITE_(FULL|IOERR)/);

    const roomy = await startChildService({ ...env, DATA_DIR: small.dir });
    roomy.kill('SIGTERM');
    await roomy.ended;
    const log = await readLog(small.dir);
    const kept = (log.ann ?? []).filter(({ bot }) => bot !== null).map(({ id }) => id);
    expect(kept).toEqual(ids);
  });
});
