import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Emulator } from '../../emulator/server.ts';
import { type ChildService, startChildService } from '../helpers/child-service.ts';
import { until } from '../helpers/events.ts';
import { startEmulator, temporaryFolder, upstreamEnv } from '../helpers/service.ts';
import { asOps, filesWith, OPS_TOKEN, startOps } from './helper.ts';

/** What the visitor who goes has written, and what the one who stays has. */
const GONE = 'zanzibarquux';
const KEPT = 'wombatplugh';

const older = (word: string, count: number) =>
  Array.from({ length: count }, (_, n) => ({
    user: `My secret is ${word}, and this is number ${n}. ${'Please tell me more. '.repeat(20)}`,
    bot: `I shall remember ${word}. ${'That is a good question. '.repeat(20)}`,
    timestamp: 1_772_323_200 + n,
  }));

const erase = (service: { url: string }): Promise<Response> =>
  fetch(`${service.url}/api/ops/visitors/user/ada`, { method: 'DELETE', headers: asOps });

const settingsPage = async (service: { url: string }): Promise<string> =>
  (await fetch(`${service.url}/ops/settings`, { headers: asOps })).text();

const isErased = async (service: { url: string }): Promise<boolean> => {
  const page = await settingsPage(service);
  return page.includes('No erasure is running.') && page.includes('visitor erased');
};

const envOf = (emulator: Emulator) => ({
  ...upstreamEnv(emulator),
  OPS_TOKEN,
  LOG_MAX_MB: '1',
  // Nobody listens: what is said stays in the queue.
  WEBHOOK_URL: 'http://127.0.0.1:9/events',
});

/** A folder in which the visitor's texts are everywhere: table, log, archive, queue, opinion, edited copy. */
const fullFolder = async (emulator: Emulator): Promise<string> => {
  const dir = await temporaryFolder();
  const log = path.join(dir, 'conversations.json');
  await writeFile(log, JSON.stringify({ ada: older(GONE, 1_500), bob: older(KEPT, 100) }));
  const service = await startChildService({ ...envOf(emulator), DATA_DIR: dir });
  const post = (user_id: string, word: string) =>
    service.post({ user_id, message: `Hello from ${word}` }, { 'Idempotency-Key': `key-of-${word}` });
  const { body } = await post('ada', GONE);
  const rated = await fetch(`${service.url}/api/feedback`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ id: body.id, rating: 'down', comment: `${GONE} is no help` }),
  });
  expect(rated.status).toBe(204);
  await until(
    async () => (await readFile(log, 'utf8')).includes('is no help'),
    'conversations.json has it all',
    20_000,
  );
  // Somebody edits the log; it is moved aside at its next writing.
  const whole: unknown = JSON.parse(await readFile(log, 'utf8'));
  await writeFile(log, JSON.stringify({ ...Object(whole), edited: older('by hand', 1) }));
  await post('bob', KEPT);
  const isAside = async () => (await readdir(dir)).some((name) => name.includes('.edited-'));
  await until(isAside, 'the edited copy is kept aside', 20_000);
  service.kill('SIGTERM');
  await service.ended;
  const names = (await filesWith(dir, GONE)).join(' ');
  expect(names).toMatch(/thread-proxy\.db/);
  expect(names).toMatch(/conversations\.json/);
  expect(names).toMatch(/edited/);
  expect(names).toMatch(/archive/);
  return dir;
};

const count = z.object({ count: z.number() });

/** Looks into the database beside the process that has it. */
const holds = (dir: string, statement: string): boolean => {
  const db = new DatabaseSync(path.join(dir, 'thread-proxy.db'), { readOnly: true });
  try {
    return count.parse(db.prepare(`SELECT count(*) AS count FROM (${statement})`).get()).count > 0;
  } finally {
    db.close();
  }
};

/** The steps of an erasure, by what shows that one is reached. */
const STEPS = {
  'it is recorded': 'SELECT 1 FROM ops_erasures',
  'some exchanges are gone': 'SELECT 1 FROM ops_erasures WHERE erased > 0',
  'all exchanges are gone': 'SELECT 1 FROM ops_erasures WHERE erased >= 1501',
  'the visitor itself is gone': `SELECT 1 FROM ops_erasures WHERE NOT EXISTS (SELECT 1 FROM visitors WHERE key = 'u:ada')`,
  'it is over': `SELECT 1 FROM ops_audit WHERE action = 'erase_visitor'`,
};

/** Starts the service again, and sees that nothing is left of the visitor, and all of the other. */
const endsAfterRestart = async (emulator: Emulator, dir: string): Promise<void> => {
  const service: ChildService = await startChildService({ ...envOf(emulator), DATA_DIR: dir });
  await until(() => isErased(service), 'the erasure goes on to its end', 20_000);
  await until(async () => (await filesWith(dir, GONE)).length === 0, 'no file has the texts', 20_000);
  service.kill('SIGTERM');
  await service.ended;
  expect(await filesWith(dir, GONE)).toEqual([]);
  expect(await filesWith(dir, 'key-of-zanzibarquux')).toEqual([]);
  expect((await filesWith(dir, KEPT)).join(' ')).toMatch(/conversations\.json.*archive/s);
  expect((await filesWith(dir, 'by hand')).join(' ')).toMatch(/edited/);
  expect(emulator.threads).toBe(1);
};

describe('an erasure that is killed', () => {
  it('goes on at the next start, whichever step it was in, and leaves no byte of the visitor', async () => {
    const emulator = await startEmulator();
    const template = await fullFolder(emulator);
    for (const [step, statement] of Object.entries(STEPS)) {
      const dir = path.join(await temporaryFolder(), 'data');
      await cp(template, dir, { recursive: true });
      const service = await startChildService({ ...envOf(emulator), DATA_DIR: dir });
      erase(service).catch(() => undefined);
      await until(() => holds(dir, statement), step);
      service.kill('SIGKILL');
      await service.ended;
      await endsAfterRestart(emulator, dir);
    }
  }, 120_000);

  it('asks the provider again where it was killed while it waited for it', async () => {
    const emulator = await startEmulator();
    const dir = await fullFolder(emulator);
    const service = await startChildService({ ...envOf(emulator), DATA_DIR: dir });
    const held = emulator.fail({ on: 'conversations.delete', fault: { kind: 'hang-before-headers' } });
    erase(service).catch(() => undefined);
    await until(() => held.holds === 1, 'the provider is asked');
    expect(emulator.threads).toBe(2);
    service.kill('SIGKILL');
    await service.ended;
    await endsAfterRestart(emulator, dir);
  }, 60_000);
});

describe('a thread that the provider does not delete', () => {
  it('is reported, and tried again until it is gone', async () => {
    const { service, emulator, page } = await startOps();
    await service.post({ user_id: 'ada', message: `My secret is ${GONE}.` });
    // Each try is a few calls.
    const failing = emulator.fail({
      on: 'conversations.delete',
      times: 20,
      fault: { kind: 'status', status: 500 },
    });
    expect(await (await erase(service)).json()).toEqual({ erased: 1, thread: 'pending' });
    expect(await filesWith(service.dir, GONE)).toEqual([]);
    expect(await page('/ops/settings')).toContain('the thread at the provider is still to go');
    expect(service.lines.map(({ msg }) => msg)).toContain('a thread was not deleted at the provider');
    expect(emulator.threads).toBe(1);
    failing.remove();
    await until(() => emulator.threads === 0, 'it is deleted at the next try', 20_000);
    await until(() => isErased(service), 'the erasure is over');
  }, 40_000);
});
