import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { type Child, callsTo, runMain, startChildService, whereItListens } from '../helpers/child-service.ts';
import { allEvents, until } from '../helpers/events.ts';
import { startEmulator, temporaryFolder, upstreamEnv } from '../helpers/service.ts';

const run = promisify(execFile);

/** All that a process printed that has ended with exit code 1. */
const failure = async (child: Child): Promise<string> => {
  expect(await child.ended).toEqual([1, null]);
  expect(child.stderr()).not.toMatch(/^\s+at /m);
  return child.stderr();
};

describe('a start without any setting', () => {
  // PORT=0 only because 5000 may be in use on the machine that runs this.
  const startBare = async () => {
    const child = await runMain({ PORT: '0' });
    return { child, url: await whereItListens(child) };
  };

  it('says in its first line that the offline assistant answers, and it does', async () => {
    const { child, url } = await startBare();
    const [first] = child.lines();
    expect(first?.msg).toMatch(/OPENAI_API_KEY.*offline assistant answers, no AI does/);
    const { status, body } = await callsTo(url).post({ user_id: 'ann', message: 'I am new here.' });
    expect(status).toBe(200);
    expect(body.answer).toContain('I am new here.');
    const again = await callsTo(url).post({ user_id: 'ann', message: 'What did I say first?' });
    expect(again.body.answer).toContain('I am new here.');
    expect(again.headers.get('ratelimit-policy')).toBe('5;w=60');
    expect(child.stderr()).toBe('');
  });

  it('prints a curl line that works when it is pasted', async ({ skip }) => {
    const found = await run('sh', ['-c', 'command -v curl']).catch(() => undefined);
    if (!found) skip('there is no curl here');
    const child = await runMain({ PORT: '0', LOG_FORMAT: 'pretty' });
    const line = await until(() => /^ *(curl .*)\n/m.exec(child.stdout())?.[1], 'a line to try');
    const { stdout } = await run('sh', ['-c', line]);
    const answer = z.object({ answer: z.string(), session_token: z.string() }).parse(JSON.parse(stdout));
    expect(answer.answer).toContain('Hello!');
  });

  it('prints nothing but JSON where there is no terminal', async () => {
    const { child } = await startBare();
    child.kill('SIGTERM');
    await child.ended;
    const lines = child.stdout().trimEnd().split('\n');
    expect(child.lines()).toHaveLength(lines.length);
    expect(child.lines().at(-1)?.msg).toBe('stopped');
  });

  it('greets a person with where it is, who answers, a line to try, and what is missing for production', async () => {
    const child = await runMain({ PORT: '0', LOG_FORMAT: 'pretty' });
    const greeting = await until(() => /is ready.*\n\n\n?$/s.exec(child.stdout())?.[0], 'the greeting');
    const url = /http:\/\/localhost:\d+/.exec(greeting)?.[0];
    expect(greeting).toContain(`${url}/api/chat`);
    expect(greeting).toMatch(/Operators +http.*\/ops\/sign-in\?once=\S+ +token in .*\/ops-token\n/);
    expect(greeting).toMatch(/Answers +the built-in offline assistant, no AI\n/);
    for (const name of ['OPENAI_API_KEY', 'ALLOWED_ORIGINS', 'IDENTITY']) {
      expect(greeting.match(new RegExp(`^  ▲ .*${name}.*$`, 'gm'))).toHaveLength(1);
    }
    await callsTo(url ?? '').post({ user_id: 'ann', message: '' });
    await until(
      () => /^\d\d:\d\d:\d\d • POST \/api\/chat {2}400 {2}\d+ ms {2}request /m.test(child.stdout()),
      'a line',
    );
    // No colours where there is no terminal.
    expect(child.stdout()).not.toContain('\u001b');
    expect(child.lines()).toEqual([]);
  });

  it('warns of all that is open', async () => {
    const { child } = await startBare();
    const warnings = child.lines().flatMap(({ level, msg }) => (level === 'warn' ? String(msg) : []));
    for (const name of ['OPENAI_API_KEY', 'ALLOWED_ORIGINS', 'IDENTITY']) {
      expect(warnings.filter((text) => text.includes(name))).toHaveLength(1);
    }
  });
});

describe('a start that cannot be', () => {
  it('says in one line that the port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const { port } = z.object({ port: z.number() }).parse(other.address());
    const told = await failure(await runMain({ PORT: String(port), HOST: '127.0.0.1' }));
    expect(told).toMatch(/^[^\n]+\n$/);
    expect(told).toContain(`port ${port}`);
    expect(told).toMatch(/something else listens there; set PORT/);
  });

  it.each(['x86_64-conda-linux-gnu', '203.0.113.7'])(
    'names HOST where that is no address of this machine: %s',
    async (host) => {
      const told = await failure(await runMain({ PORT: '0', HOST: host }));
      expect(told).toMatch(/^[^\n]+\n$/);
      expect(told).toContain(`HOST is "${host}", which is no address of this machine`);
    },
  );

  it('tells in one line why the data folder cannot be made', async () => {
    const file = path.join(await temporaryFolder(), 'a-file');
    await writeFile(file, '');
    const told = await failure(await runMain({ PORT: '0', DATA_DIR: path.join(file, 'data') }));
    expect(told).toMatch(/^[^\n]*a-file\/data cannot be made[^\n]+\n$/);
  });

  it('tells in one line that another process has the data folder, which is left as it is', async () => {
    const first = await startChildService();
    const env = { PORT: '0', DATA_DIR: first.dir };
    const told = await failure(await runMain(env));
    expect(told).toMatch(/^[^\n]+ is in use by another process\.\n$/);
    expect(told).toContain(first.dir);
    expect((await first.post({ message: 'Still there?' })).status).toBe(200);
  });

  it('tells where the log is not valid, and leaves it alone', async () => {
    const dir = await temporaryFolder();
    await writeFile(path.join(dir, 'conversations.json'), '{"ann": [\n  oops\n]}');
    const told = await failure(await runMain({ PORT: '0', DATA_DIR: dir }));
    expect(told).toMatch(/^[^\n]+conversations\.json cannot be taken over:\n {2}line 2, column 3: [^\n]+\n$/);
    expect(await readFile(path.join(dir, 'conversations.json'), 'utf8')).toBe('{"ann": [\n  oops\n]}');
  });

  it('lists every bad setting in one message and prints nothing else', async () => {
    const secret = 'sssh-too-short';
    const child = await runMain({
      PORT: '99999',
      RATE_LIMIT: 'five',
      LOG_LEVEL: 'loud',
      SESSION_SECRET: secret,
      ALLOWED_ORIGINS: 'https://example.org/page',
      RUN_TIMEOUT: '2 minutes',
      BACKEND: 'completions',
      OPENAI_BASE_URL: 'http://localhost:11434/v1',
    });
    const told = await failure(child);
    const lines = told.trimEnd().split('\n');
    expect(lines[0]).toBe('Invalid settings:');
    const names = lines.slice(1).map((line) => line.trim().split(' ')[0]);
    const expected = [
      'ALLOWED_ORIGINS',
      'LOG_LEVEL',
      'OPENAI_MODEL',
      'PORT',
      'RATE_LIMIT',
      'RUN_TIMEOUT',
      'SESSION_SECRET',
    ];
    expect(names.toSorted()).toEqual(expected);
    expect(told).toContain('"99999"');
    expect(told).not.toContain(secret);
    expect(child.stdout()).toBe('');
  });
});

describe('.env', () => {
  it('is read from its folder wherever the process runs, and the real environment goes before it', async () => {
    const emulator = await startEmulator();
    const cwd = await temporaryFolder();
    await mkdir(path.join(cwd, 'kept'));
    const settings = {
      ...upstreamEnv(emulator),
      PORT: '0',
      HOST: '127.0.0.1',
      DATA_DIR: './kept',
      MAX_MESSAGE_CHARS: '5',
      LOG_LEVEL: 'fatal',
    };
    const text = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    await writeFile(path.join(cwd, '.env'), `# ours\n${text.join('')}`);
    const child = await runMain({ MAX_MESSAGE_CHARS: '7', LOG_LEVEL: 'info', THREAD_PROXY_DIR: cwd });
    const { post } = callsTo(await whereItListens(child));
    expect((await post({ message: '1234567' })).status).toBe(200);
    expect((await post({ message: '12345678' })).body.error?.detail).toContain('1 to 7 characters');
    expect(emulator.calls.responses).toBe(1);
    expect(child.lines().find(({ msg }) => msg === 'listening')?.data).toMatch(/\/kept$/);
  });
});

describe('what the service prints', () => {
  const KEY = 'sk-the-key-that-nobody-may-see-0123456789';
  const SECRET = 'the-session-secret-that-nobody-may-see-0123456789';

  it('never holds a secret, even at trace with an upstream that repeats the key in its refusals', async () => {
    const emulator = await startEmulator();
    const service = await startChildService({
      ...upstreamEnv(emulator),
      OPENAI_API_KEY: KEY,
      SESSION_SECRET: SECRET,
      LOG_LEVEL: 'trace',
    });
    const message = `Incorrect API key provided: ${KEY}. You can find your API key at …`;
    const body = JSON.stringify({ error: { message, code: 'invalid_api_key', type: 'x', param: null } });
    emulator.fail({ on: 'responses', fault: { kind: 'status', status: 401, message } });
    emulator.fail({ on: 'responses', fault: { kind: 'status', status: 401, body } });
    emulator.fail({ on: 'responses', fault: { kind: 'status', status: 400, body: `not JSON: ${KEY}` } });
    const told: unknown[] = [];
    for (let n = 0; n < 2; n++) told.push((await service.post({ user_id: 'ann', message: 'Hi' })).body);
    const { events } = await service.stream({ message: 'Hi' });
    const all = await allEvents(events);
    told.push(all);
    const token = String(all[0]?.data.session_token);
    await service.post({ message: 'Hi', session_token: token });
    await service.post({ message: 'Hi' }, { Authorization: `Bearer ${token}x` });
    await service.post({ message: 'Hi' }, { Authorization: `Bearer ${KEY}` });
    service.kill('SIGTERM');
    await service.ended;

    const printed = service.stdout() + service.stderr();
    expect(printed).toContain('invalid_api_key');
    for (const secret of [KEY, SECRET, token]) {
      expect(printed).not.toContain(secret);
      if (secret !== token) expect(JSON.stringify(told)).not.toContain(secret);
    }
  });

  it('holds no message, no answer and no query string at info', async () => {
    const emulator = await startEmulator({ answer: () => 'A private answer.' });
    const service = await startChildService(upstreamEnv(emulator));
    await service.post({ user_id: 'private-user', message: 'A private message.' });
    emulator.fail({ on: 'responses', fault: { kind: 'status', status: 400 } });
    await service.post({ user_id: 'private-user', message: 'A private failure.' });
    await fetch(`${service.url}/healthz?private=1`);
    await fetch(`${service.url}/nothing?private=1`);
    await fetch(`${service.url}/api/chat?private=1`, { method: 'POST', body: 'private' });
    service.kill('SIGTERM');
    await service.ended;
    expect(service.lines().filter(({ msg }) => msg === 'request').length).toBeGreaterThan(3);
    expect(service.stdout() + service.stderr()).not.toMatch(/private/i);
  });
});
