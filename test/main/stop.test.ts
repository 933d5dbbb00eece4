import { cp, symlink } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Emulator } from '../../emulator/server.ts';
import {
  type ChildService,
  callsTo,
  ROOT,
  runProgram,
  startChildService,
  whereItListens,
} from '../helpers/child-service.ts';
import { allEvents, until } from '../helpers/events.ts';
import { readLog, startEmulator, temporaryFolder, upstreamEnv } from '../helpers/service.ts';
import { reading } from '../stores/sqlite/helper.ts';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

const startBoth = async (env: Record<string, string> = {}) => {
  const emulator = await startEmulator();
  const service = await startChildService({ ...upstreamEnv(emulator), ...env });
  return { emulator, service };
};

/** Three turns in flight: a JSON and an SSE visitor whose runs are held, and one who waits in the first's thread. */
const threeInFlight = async (emulator: Emulator, service: ChildService) => {
  emulator.fail({ on: 'responses', times: 2, fault: { kind: 'hold', afterDeltas: 1 } });
  const json = service.post({ user_id: 'ann', message: 'I wait for JSON.' });
  await until(() => emulator.inFlight === 1, 'the first run');
  const { events } = await service.stream({ user_id: 'bob', message: 'I read events.' });
  const streamed = allEvents(events);
  await until(() => emulator.inFlight === 2, 'the second run');
  const { events: queuedEvents } = await service.stream({ user_id: 'ann', message: 'I wait in the queue.' });
  expect((await queuedEvents.next()).value).toMatchObject({ event: 'accepted' });
  const queued = allEvents(queuedEvents);
  return { json, streamed, queued };
};

const untilDraining = (service: Pick<ChildService, 'get'>) =>
  until(async () => (await service.get('/readyz')).status === 503, 'readyz tells that it is stopping');

/** Messages that were accepted and not finished: the next start would log them as failed. */
const unfinishedIn = (dir: string): unknown[] => reading(dir, (db) => db.all('SELECT id FROM accepted'));

/** All bots of the log by the message that they answer. */
const botsIn = async (dir: string) =>
  new Map(
    Object.values(await readLog(dir))
      .flat()
      .map(({ user, bot, error }) => [user, bot ?? error]),
  );

describe.each(SIGNALS)('on %s', (signal) => {
  it('the service keeps listening, refuses new chats, lets turns in flight finish, and exits with 0', async () => {
    const { emulator, service } = await startBoth();
    const { json, streamed, queued } = await threeInFlight(emulator, service);
    const callsBefore = emulator.calls.responses;
    service.kill(signal);
    await untilDraining(service);

    expect(await service.get('/readyz')).toEqual({
      status: 503,
      body: { status: 'unavailable', reason: expect.stringMatching(/shutting down/) },
    });
    expect((await service.get('/healthz')).status).toBe(200);
    for (const Accept of ['application/json', 'text/event-stream']) {
      const refused = await service.post({ user_id: 'carol', message: 'Too late.' }, { Accept });
      expect([refused.status, refused.body.error?.code]).toEqual([503, 'shutting_down']);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect(emulator.calls.responses).toBe(callsBefore);

    emulator.release();
    expect((await json).status).toBe(200);
    expect((await streamed).at(-1)?.event).toBe('done');
    const last = (await queued).at(-1);
    expect(last).toMatchObject({ event: 'done' });
    expect(last?.data.answer).toContain('I wait in the queue.');
    expect(await service.ended).toEqual([0, null]);
    expect(service.stderr()).toBe('');

    const bots = await botsIn(service.dir);
    expect([...bots.keys()].toSorted()).toEqual([
      'I read events.',
      'I wait for JSON.',
      'I wait in the queue.',
    ]);
    expect([...bots.values()].every((bot) => bot?.startsWith('You said:'))).toBe(true);
    expect(unfinishedIn(service.dir)).toEqual([]);
  });
});

describe('a stop', () => {
  it('ends what does not finish within SHUTDOWN_TIMEOUT in shutting_down, logs it, and exits with 0', async () => {
    const { emulator, service } = await startBoth({ SHUTDOWN_TIMEOUT: '300ms' });
    const { json, streamed, queued } = await threeInFlight(emulator, service);
    const began = Date.now();
    service.kill('SIGTERM');
    const refused = await json;
    expect(Date.now() - began).toBeGreaterThanOrEqual(250);
    expect([refused.status, refused.body.error?.code]).toEqual([503, 'shutting_down']);
    for (const events of [await streamed, await queued]) {
      expect(events.at(-1)).toMatchObject({ event: 'error', data: { error: { code: 'shutting_down' } } });
    }
    expect(await service.ended).toEqual([0, null]);
    expect(Date.now() - began).toBeLessThan(5_000);
    expect([...(await botsIn(service.dir)).values()]).toEqual(Array(3).fill('shutting_down'));
    await until(() => emulator.aborted === 2, 'the runs were given up at the upstream, too');
  });

  it('without time ends messages that are just being accepted in the same way, and loses none', async () => {
    const { emulator, service } = await startBoth({ SHUTDOWN_TIMEOUT: '0s' });
    emulator.fail({ on: 'responses', times: 200, fault: { kind: 'hold' } });
    // They are sent over a while, so that the stop finds some at every step of their way.
    const ends = Array.from({ length: 100 }, async (_, n) => {
      await sleep(n / 3);
      const end = service.post({ user_id: `visitor-${n}`, message: `Message ${n}.` });
      return end.then(({ status, body }) => `${status} ${body.error?.code}`).catch(() => 'not connected');
    });
    await until(() => emulator.inFlight > 5, 'some runs');
    const began = Date.now();
    service.kill('SIGTERM');
    expect(await service.ended).toEqual([0, null]);
    expect(Date.now() - began).toBeLessThan(4_000);
    const told = await Promise.all(ends);
    expect([...new Set(told)].toSorted().at(0)).toBe('503 shutting_down');
    // Each message that was accepted is logged, and nothing is left for the next start to find.
    expect(new Set((await botsIn(service.dir)).values())).toEqual(new Set(['shutting_down']));
    expect(unfinishedIn(service.dir)).toEqual([]);
  });

  it('with nothing in flight is over at once, also where connections are kept open', async () => {
    const { service } = await startBoth();
    await service.post({ user_id: 'ann', message: 'Hello!' });
    const began = Date.now();
    service.kill('SIGTERM');
    expect(await service.ended).toEqual([0, null]);
    expect(Date.now() - began).toBeLessThan(1_900);
    expect((await botsIn(service.dir)).size).toBe(1);
  });

  it('cut short by a second signal exits at once and loses nothing that was acknowledged', async () => {
    const { emulator, service } = await startBoth();
    emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    const cut = service.post({ user_id: 'bob', message: 'I am cut off.' }).catch(() => 'cut');
    await until(() => emulator.inFlight === 1, 'the run');
    const said = await service.post({ user_id: 'ann', message: 'I was acknowledged.' });
    service.kill('SIGTERM');
    await untilDraining(service);
    const again = Date.now();
    service.kill('SIGTERM');
    const [code, signal] = await service.ended;
    expect(Date.now() - again).toBeLessThan(1_500);
    expect(signal).toBeNull();
    expect(code).not.toBe(0);
    expect(await cut).toBe('cut');
    emulator.release();

    const next = await startChildService({ ...upstreamEnv(emulator), DATA_DIR: service.dir });
    const remembered = await next.post({ user_id: 'ann', message: 'What did I say first?' });
    expect(remembered.body.answer).toContain('I was acknowledged.');
    next.kill('SIGTERM');
    expect(await next.ended).toEqual([0, null]);
    const log = await readLog(service.dir);
    expect(log.ann).toMatchObject([{ id: said.body.id, bot: said.body.answer }, { id: remembered.body.id }]);
    expect(log.bob).toMatchObject([{ user: 'I am cut off.', bot: null, error: 'internal_error' }]);
  });
});

describe('a service that was started with npm start', () => {
  /** npm start as users run it, in a copy of the project. */
  const npmStart = async (emulator: Emulator) => {
    const project = await temporaryFolder();
    for (const folder of ['bin', 'src']) {
      await cp(path.join(ROOT, folder), path.join(project, folder), { recursive: true });
    }
    for (const file of ['package.json', 'tsconfig.json'])
      await cp(path.join(ROOT, file), path.join(project, file));
    await symlink(path.join(ROOT, 'node_modules'), path.join(project, 'node_modules'));
    const env = { ...upstreamEnv(emulator), PORT: '0', HOST: '127.0.0.1', RATE_LIMIT: 'off' };
    const child = await runProgram(['npm', 'start'], { env, cwd: project, ownGroup: true });
    return { child, dir: path.join(project, 'data'), ...callsTo(await whereItListens(child)) };
  };

  it.each<[string, NodeJS.Signals, 'npm' | 'group']>([
    ['SIGTERM sent to npm', 'SIGTERM', 'npm'],
    ['Ctrl-C in a terminal, which npm passes on a second time', 'SIGINT', 'group'],
    ['SIGTERM sent to its whole group, as systemd does', 'SIGTERM', 'group'],
  ])('finishes its turns on %s', async (_, signal, to) => {
    const emulator = await startEmulator();
    emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    const service = await npmStart(emulator);
    const answer = service.post({ user_id: 'ann', message: 'Hello!' });
    await until(() => emulator.inFlight === 1, 'the run');
    process.kill(to === 'npm' ? service.child.pid : -service.child.pid, signal);
    await untilDraining(service);
    emulator.release();
    expect((await answer).status).toBe(200);
    await service.child.ended;
    expect(service.child.lines().at(-1)).toMatchObject({ msg: 'stopped' });
    expect((await botsIn(service.dir)).size).toBe(1);
  });
});
