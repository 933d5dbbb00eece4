import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ROOT, runProgram, whereItListens } from '../helpers/child-service.ts';
import { until } from '../helpers/events.ts';
import { temporaryFolder } from '../helpers/service.ts';
import { EXAMPLES, works } from './helper.ts';

const unitText = () => readFile(path.join(EXAMPLES, 'systemd/thread-proxy.service'), 'utf8');

const SYSTEMD = works('systemd-analyze', '--version');

it.skipIf(!SYSTEMD)(
  `systemd takes the unit of examples/${SYSTEMD ? '' : ' (skipped: no systemd-analyze)'}`,
  async () => {
    const folder = await temporaryFolder();
    const unit = (await unitText()).replaceAll('/opt/thread-proxy', folder);
    const file = path.join(folder, 'thread-proxy.service');
    await writeFile(file, unit);
    const verify = await runProgram(['systemd-analyze', 'verify', '--man=no', file]);
    const [code] = await verify.ended;
    const complaints = `${verify.stdout()}${verify.stderr()}`
      .split('\n')
      .filter((line) => line.includes(file));
    expect({ code, complaints }).toEqual({ code: 0, complaints: [] });
    await writeFile(file, unit.replace('Restart=always', 'Restrat=always'));
    const spoilt = await runProgram(['systemd-analyze', 'verify', '--man=no', file]);
    await spoilt.ended;
    expect(spoilt.stderr()).toContain('Restrat');
  },
);

it('what the unit starts is the service itself, so that systemd can stop it and reload the assistant', async () => {
  const command = /^ExecStart=(.+)$/m.exec(await unitText())?.[1]?.split(' ') ?? [];
  const folder = await temporaryFolder();
  await writeFile(path.join(folder, 'assistant.json'), '{"instructions": "Answer briefly."}');
  const env = {
    BACKEND: 'offline',
    PORT: '0',
    HOST: '127.0.0.1',
    DATA_DIR: folder,
    THREAD_PROXY_DIR: folder,
  };
  const [program = '', ...args] = command;
  const service = await runProgram([program, ...args], { cwd: ROOT, env });
  await whereItListens(service);
  expect(service.lines().find(({ msg }) => msg === 'listening')).toMatchObject({ pid: service.pid });
  service.kill('SIGHUP');
  await until(
    () => service.lines().some(({ msg }) => String(msg).includes('assistant file')),
    'it is read again',
  );
  service.kill('SIGTERM');
  expect(await service.ended).toEqual([0, null]);
});
