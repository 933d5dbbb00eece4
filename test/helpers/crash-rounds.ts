import { watch } from 'node:fs';
import { appendFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Emulator } from '../../emulator/server.ts';
import { type ChildService, startChildService } from './child-service.ts';
import { check, type Epoch, newEpoch } from './crash-check.ts';
import type { EventData } from './events.ts';
import { startEmulator, temporaryFolder, upstreamEnv } from './service.ts';

/** How a round ends: killed at a random moment or in the midst of some work, or stopped under load and checked. */
const ENDS = ['random', 'rename', 'stop', 'commit', 'archiving', 'stop', 'checkpoint', 'stop'] as const;
type End = (typeof ENDS)[number];

const CALLERS = 6;
/** A folder that has grown long makes the checks slow, not better. */
const ROUNDS_PER_FOLDER = 48;

/** Mulberry32: a small generator, so that a failing run can be had again. */
export const seeded = (seed: number) => {
  let state = seed;
  return () => {
    state += 0x6d2b79f5;
    let a = state;
    a = Math.imul(a ^ (a >>> 15), a | 1);
    a ^= a + Math.imul(a ^ (a >>> 7), a | 61);
    return ((a ^ (a >>> 14)) >>> 0) / 2 ** 32;
  };
};

export interface CrashReport {
  acknowledged: number;
  archived: number;
  /** How often conversations.json was read and parsed under load. */
  reads: number;
  /** Processes killed while the file in question was half-written, as seen afterwards. */
  midWrite: number;
  sabotaged: number;
  kills: Record<End, number>;
}

const isMissing = (thrown: unknown): boolean =>
  thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';

/** Posts as fast as answers come, until the service is gone; keeps what was acknowledged. */
const call = async (
  service: ChildService,
  epoch: Epoch,
  caller: number,
  random: () => number,
  gone: Gone,
) => {
  for (let n = 0; !gone.now; n++) {
    const long = random() < 0.25 ? Math.floor(random() * 6_000) : 20;
    const token = epoch.tokens.get(caller);
    const who = caller === 0 ? { session_token: token } : { user_id: `caller-${caller}-${n % 5}` };
    const body = { ...who, message: `${n} ${'x🙂'.repeat(long)}` };
    try {
      if (random() < 0.5) {
        const answer = await service.post(body);
        if (answer.status === 200) keep(epoch, caller, answer.body);
        else if (!gone.stopping) gone.refusals.push(`${answer.status} ${answer.body.error?.code}`);
      } else {
        const { events } = await service.stream(body);
        for await (const { event, data } of events) {
          if (event === 'done') keep(epoch, caller, data);
          if (event === 'error' && !gone.stopping) gone.refusals.push(`${data.error?.code}`);
        }
      }
    } catch (thrown) {
      // The connection breaks with the process; before that it must not.
      if (!gone.now && !gone.stopping) gone.refusals.push(String(thrown));
      return;
    }
  }
};

interface Gone {
  /** The process was told to end at once. */
  now: boolean;
  /** The process was told to stop. */
  stopping: boolean;
  /** What callers were told while it should have served them. */
  readonly refusals: string[];
}

const keep = (epoch: Epoch, caller: number, told: EventData) => {
  if (told.id === undefined || told.answer === undefined) throw new Error('an answer without id');
  epoch.acknowledged.set(told.id, told.answer);
  if (told.session_token !== undefined) epoch.tokens.set(caller, told.session_token);
};

/** Resolves in the midst of what the round is to be killed in, or after a while in which it did not happen. */
const momentOf = async (end: End, dir: string, random: () => number): Promise<void> => {
  const places: Partial<Record<End, [folder: string, isIt: (name: string) => boolean]>> = {
    rename: [dir, (name) => name === 'conversations.json.tmp'],
    commit: [dir, (name) => name === 'thread-proxy.db-wal'],
    checkpoint: [dir, (name) => name === 'thread-proxy.db'],
    archiving: [path.join(dir, 'archive'), (name) => name.endsWith('.tmp')],
  };
  const place = places[end];
  if (!place) return sleep(20 + random() * 380);
  // A commit is seen at once; not always the first one.
  if (end === 'commit') await sleep(random() * 300);
  const [folder, isIt] = place;
  const { promise, resolve } = Promise.withResolvers<void>();
  const watcher = watch(folder, (_, name) => {
    if (name !== null && isIt(name)) resolve();
  });
  await Promise.race([promise, sleep(2_500)]);
  watcher.close();
  await sleep(random() * 4);
};

/** Leaves behind what a crash might have: a torn end of the write-ahead log, half-written files. */
const sabotage = async (dir: string, random: () => number): Promise<void> => {
  const wal = path.join(dir, 'thread-proxy.db-wal');
  const torn = Buffer.from(Array.from({ length: 1 + random() * 5_000 }, () => random() * 256));
  if ((await readdir(dir)).includes(path.basename(wal))) await appendFile(wal, torn);
  const log = await readFile(path.join(dir, 'conversations.json'), 'utf8').catch(() => '{"a');
  for (const name of ['conversations.json.tmp', 'thread-proxy.db.importing', 'archive/2026-01.json.tmp']) {
    if (random() < 0.5) await writeFile(path.join(dir, name), log.slice(0, 500));
  }
};

/** Reads and parses the log until told to end. */
const poll = async (dir: string, gone: Gone, report: CrashReport): Promise<void> => {
  let there = false;
  while (!gone.now) {
    const text = await readFile(path.join(dir, 'conversations.json'), 'utf8').catch((thrown: unknown) => {
      // Before it is first written there is none.
      if (!isMissing(thrown) || there) throw thrown;
    });
    if (text !== undefined) {
      there = true;
      JSON.parse(text);
      report.reads++;
    }
    await sleep(5);
  }
};

/** Speaks now and then, so that some of what the teller said is always too new for the archive. */
const chat = async (service: ChildService, epoch: Epoch, gone: Gone): Promise<void> => {
  while (!gone.stopping) {
    const answer = await service.post({ user_id: 'teller', message: 'Still here.' }).catch(() => undefined);
    if (answer?.status === 200) keep(epoch, CALLERS, answer.body);
    await sleep(20);
  }
};

const ask = async (service: ChildService, word: string, isFirst: boolean, where: string): Promise<void> => {
  const message = isFirst ? word : 'What did I say first?';
  const { status, body } = await service.post({ user_id: 'teller', message });
  expect(status, where).toBe(200);
  expect(body.answer, `the thread does not go on: ${where}`).toContain(word);
};

/** Rounds of load, each ended by a kill or a stop; after each the service goes on in the same folder. */
export const crashRounds = async (rounds: number, seed: number): Promise<CrashReport> => {
  const random = seeded(seed);
  const emulator: Emulator = await startEmulator({ record: 0 });
  const cwd = await temporaryFolder();
  const kills = { random: 0, rename: 0, stop: 0, commit: 0, archiving: 0, checkpoint: 0 };
  const report: CrashReport = { acknowledged: 0, archived: 0, reads: 0, midWrite: 0, sabotaged: 0, kills };
  let epoch = await newEpoch();
  for (let round = 0; round < rounds; round++) {
    const isFirst = round % ROUNDS_PER_FOLDER === 0;
    if (isFirst && round > 0) {
      await rm(epoch.dir, { recursive: true });
      epoch = await newEpoch();
    }
    const { dir, acknowledged } = epoch;
    const end = ENDS[round % ENDS.length] ?? 'random';
    const where = `round ${round} (${end}), seed ${seed}`;
    const env = { ...upstreamEnv(emulator), DATA_DIR: dir, LOG_MAX_MB: '1', MAX_MESSAGE_CHARS: '20000' };
    const service = await startChildService(env, { cwd });
    await ask(service, `My word is ${seed}.`, isFirst, where);

    const before = acknowledged.size;
    const gone: Gone = { now: false, stopping: false, refusals: [] };
    const kept = epoch;
    const callers = Array.from({ length: CALLERS }, (_, n) => call(service, kept, n, random, gone));
    const chatting = chat(service, epoch, gone);
    const polling = poll(dir, gone, report);
    await momentOf(end, dir, random);
    gone.stopping = true;
    if (end === 'stop') service.kill('SIGTERM');
    else {
      gone.now = true;
      service.kill('SIGKILL');
    }
    const ended = await service.ended;
    gone.now = true;
    await Promise.all([...callers, chatting, polling]);
    expect(gone.refusals, where).toEqual([]);
    expect(ended, where).toEqual(end === 'stop' ? [0, null] : [null, 'SIGKILL']);
    expect(service.stderr() + service.stdout(), where).not.toMatch(/"level":"(error|fatal)"/);
    report.acknowledged += acknowledged.size - before;
    kills[end]++;
    if (end === 'stop') report.archived = Math.max(report.archived, await check(epoch, where));
    else {
      const names = [...(await readdir(dir)), ...(await readdir(path.join(dir, 'archive')))];
      if (names.some((name) => name.endsWith('.tmp'))) report.midWrite++;
      if (random() < 0.5) {
        await sabotage(dir, random);
        report.sabotaged++;
      }
    }
  }
  return report;
};
