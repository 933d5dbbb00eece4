import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../commands/helper.ts';
import { until } from '../helpers/events.ts';
import { temporaryFolder, upstreamEnv } from '../helpers/service.ts';
import { filesWith, startOps } from './helper.ts';

const DAY_S = 86_400;

describe('RETENTION', () => {
  it('erases what is older from every file at the start, keeps the rest, and says how many', async () => {
    const dir = await temporaryFolder();
    const now = Date.now() / 1000;
    const log = {
      ada: [
        { user: 'old zanzibarquux', bot: 'Hello', timestamp: now - 91 * DAY_S },
        { user: 'young wombatplugh', bot: 'Hello', timestamp: now - 89 * DAY_S },
      ],
      bob: [{ user: 'older zanzibarquux', bot: 'Hello', timestamp: now - 300 * DAY_S }],
    };
    await writeFile(path.join(dir, 'conversations.json'), JSON.stringify(log));
    const { service, page } = await startOps({ DATA_DIR: dir, RETENTION: '90d' });
    await until(async () => (await page('/ops/settings')).includes('old exchanges erased'), 'the audit line');
    expect(await page('/ops/settings')).toMatch(/by RETENTION.*?\b2 exchanges</s);
    expect(service.lines).toContainEqual(
      expect.objectContaining({ msg: 'exchanges older than RETENTION were erased', exchanges: 2 }),
    );
    expect(await filesWith(dir, 'zanzibarquux')).toEqual([]);
    const left = await service.finalLog();
    expect(left.ada?.map(({ user }) => user)).toEqual(['young wombatplugh']);
    expect(left.bob).toBeUndefined();
  });

  it('erases nothing where it is off', async () => {
    const dir = await temporaryFolder();
    const log = { ada: [{ user: 'Hello', bot: 'Hello', timestamp: 1_000_000_000 }] };
    await writeFile(path.join(dir, 'conversations.json'), JSON.stringify(log));
    const { service } = await startOps({ DATA_DIR: dir });
    expect((await service.finalLog()).ada).toHaveLength(1);
  });
});

describe('npm run erase', () => {
  const said = async () => {
    const { service, emulator } = await startOps();
    await service.post({ user_id: 'ada', message: 'My secret is zanzibarquux.' });
    await service.post({ user_id: 'bob', message: 'I stay, says wombatplugh.' });
    await service.stop();
    const env = { ...upstreamEnv(emulator), DATA_DIR: service.dir };
    const erase = (...args: string[]) => runCommand('erase', args, { env, cwd: service.dir });
    return { dir: service.dir, emulator, erase };
  };

  it('erases a visitor from every file and at the provider', async () => {
    const { dir, emulator, erase } = await said();
    expect(emulator.threads).toBe(2);
    const { code, stdout } = await erase('user', 'ada', '--yes');
    expect([code, stdout]).toEqual([0, '1 exchange was erased.\n']);
    expect(await filesWith(dir, 'zanzibarquux')).toEqual([]);
    expect(await filesWith(dir, 'wombatplugh')).not.toEqual([]);
    expect(emulator.threads).toBe(1);
  });

  it('does nothing that was not meant', async () => {
    const { dir, erase } = await said();
    for (const args of [['user', 'ada'], ['ada', '--yes'], ['robot', 'ada', '--yes'], []]) {
      const { code, stderr } = await erase(...args);
      expect(code, args.join(' ')).not.toBe(0);
      expect(stderr).not.toBe('');
    }
    expect(await filesWith(dir, 'zanzibarquux')).not.toEqual([]);
  });

  it('says so where the provider cannot be reached, and leaves the thread to the next start', async () => {
    const { dir, emulator, erase } = await said();
    await emulator.stopListening();
    const { code, stdout } = await erase('user', 'ada', '--yes');
    expect(code).toBe(1);
    expect(stdout).toContain('the service tries again when it starts');
    expect(await filesWith(dir, 'zanzibarquux')).toEqual([]);
    await emulator.listenAgain();
    const { page } = await startOps({ ...upstreamEnv(emulator), DATA_DIR: dir });
    await until(() => emulator.threads === 1, 'the thread is deleted');
    await until(async () => (await page('/ops/settings')).includes('visitor erased'), 'it is over');
  }, 40_000);
});
