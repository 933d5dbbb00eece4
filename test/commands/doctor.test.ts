import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { EmulatorOptions } from '../../emulator/server.ts';
import { startChildService } from '../helpers/child-service.ts';
import { startReverseProxy } from '../helpers/reverse-proxy.ts';
import { startEmulator, temporaryFolder, upstreamEnv } from '../helpers/service.ts';
import { runCommand } from './helper.ts';

const KEY = 'test-key-that-nobody-else-has';

/** A port that nobody listens on. */
const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return address !== null && typeof address === 'object' ? address.port : 0;
};

/** A site with all that a public one needs: an upstream, a proxy, and settings that leave nothing open. */
const site = async (
  options: { emulator?: EmulatorOptions; proxy?: Parameters<typeof startReverseProxy>[1] } = {},
) => {
  const emulator = await startEmulator({ pace: 20, apiKey: KEY, ...options.emulator });
  const port = await freePort();
  const env = {
    ...upstreamEnv(emulator),
    PORT: String(port),
    HOST: '127.0.0.1',
    DATA_DIR: await temporaryFolder(),
    ALLOWED_ORIGINS: 'https://www.example.org',
    IDENTITY: 'signed',
    TRUST_PROXY: '1',
    PUBLIC_ORIGIN: await startReverseProxy(port, options.proxy),
  };
  const examine = (more: Record<string, string> = {}, args: readonly string[] = []) =>
    runCommand('doctor', args, { env: { ...env, ...more } });
  return { emulator, env, examine };
};

/** The line of a subject, with the advice below it. */
const told = (stdout: string, what: string): string => {
  const lines = stdout.split('\n');
  const at = lines.findIndex((line) => line.slice(4).startsWith(`${what} `));
  const [line = '', next = ''] = lines.slice(at, at + 2);
  return at < 0 ? '' : next.includes('→') ? `${line.trim()} ${next.trim()}` : line.trim();
};

describe('npm run doctor', () => {
  it('finds a site that is ready for visitors, and ends with 0', async () => {
    const { emulator, examine } = await site();
    const { code, stdout, stderr } = await examine();
    expect(stdout).toContain('Ready for visitors.');
    expect(stdout).not.toMatch(/[✖▲]/);
    for (const what of [
      'key',
      'model',
      'clock',
      'log',
      'disk',
      'way',
      'WebSocket',
      'addresses',
      'streaming',
    ]) {
      expect(told(stdout, what)).toMatch(/^✔/);
    }
    expect([code, stderr]).toEqual([0, '']);
    expect(emulator.calls.responses).toBe(1);
    expect(stdout).not.toContain(KEY);
  });

  it('looks at a service that runs already, and leaves it running', async () => {
    const { env, examine } = await site();
    const service = await startChildService({ ...env, RATE_LIMIT: '5/1m' });
    const { code, stdout } = await examine();
    expect(told(stdout, 'service')).toBe(`✔ service      runs at ${service.url}`);
    expect(code).toBe(0);
    expect((await service.get('/healthz')).status).toBe(200);
  });

  it('tells how many passages have vectors, and what searches them', async () => {
    const { emulator, env, examine } = await site();
    const documents = path.join(await temporaryFolder(), 'shop');
    await mkdir(documents);
    await writeFile(path.join(documents, 'a.md'), '# A\n\nText of a.');
    const embedding = { EMBEDDING_MODEL: 'm', EMBEDDING_BASE_URL: emulator.url, EMBEDDING_API_KEY: KEY };
    const added = await runCommand('documents', ['add', documents], { env: { ...env, ...embedding } });
    expect(added).toMatchObject({ code: 0, stderr: '' });
    const { stdout } = await examine(embedding, ['--no-message']);
    expect(told(stdout, 'documents')).toMatch(
      /^✔ documents +1 passages have vectors, searched in memory \(beyond 50,000: (?:sqlite-vec v|neither)/,
    );
    expect(told((await examine({}, ['--no-message'])).stdout, 'documents')).toBe('');
  });

  it('sends no message where none is wanted', async () => {
    const { emulator, examine } = await site();
    expect(told((await examine({}, ['--no-message'])).stdout, 'streaming')).toMatch(/^– .*--no-message/);
    expect(emulator.calls.responses).toBe(0);
  });

  it('ends with 1 for open decisions only when it is asked to', async () => {
    const { examine } = await site();
    const open = { ALLOWED_ORIGINS: '*', IDENTITY: 'open' };
    const { code, stdout } = await examine(open, ['--no-message']);
    expect(stdout).toContain('2 things need a decision');
    expect(code).toBe(0);
    expect((await examine(open, ['--no-message', '--strict'])).code).toBe(1);
    expect((await examine({}, ['--loud'])).code).toBe(2);
  });

  it.each<[string, EmulatorOptions, Record<string, string>, string, RegExp]>([
    [
      'a wrong key',
      {},
      { OPENAI_API_KEY: 'another-key' },
      'key',
      /^✖ .*refuses it \(401\) → set OPENAI_API_KEY/,
    ],
    [
      'an unknown model',
      { models: [{ id: 'gpt-6-luna' }, { id: 'gpt-6-sol' }] },
      { OPENAI_MODEL: 'gpt-6-moon' },
      'model',
      /^✖ .*has no gpt-6-moon → set OPENAI_MODEL to one that it has: gpt-6-luna, gpt-6-sol/,
    ],
    [
      'a model that has ended',
      { models: [{ id: 'old', shutdown_date: '2024-01-01' }] },
      { OPENAI_MODEL: 'old' },
      'model',
      /^✖ .*shut down on 2024-01-01 → set OPENAI_MODEL/,
    ],
    [
      'a model that ends far from now',
      { models: [{ id: 'new', shutdown_date: '2999-01-01' }] },
      { OPENAI_MODEL: 'new' },
      'model',
      /^✔ .*until 2999-01-01/,
    ],
    [
      'a server that is not there',
      {},
      { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' },
      'key',
      /^✖ .*cannot be reached/,
    ],
  ])('tells of %s', async (_, emulator, env, what, expected) => {
    const { examine } = await site({ emulator });
    const { code, stdout } = await examine(env, ['--no-message']);
    expect(told(stdout, what)).toMatch(expected);
    expect(code).toBe(expected.source.startsWith('^✖') ? 1 : 0);
  });

  it('tells of a proxy that holds answers back and drops WebSockets', async () => {
    const { examine } = await site({ proxy: { buffers: true, dropsUpgrades: true } });
    const { code, stdout } = await examine();
    expect(told(stdout, 'streaming')).toMatch(/^✖ .*comes at once.*→ .*proxy_buffering off/);
    expect(told(stdout, 'WebSocket')).toMatch(/^✖ .*does not open → .*Upgrade/);
    expect(code).toBe(1);
  });

  it.each([
    ['0', /^✖ .*counted as one address.*→ set TRUST_PROXY .*1 or more/],
    ['2', /^✖ .*X-Forwarded-For is believed.*→ set TRUST_PROXY .*smaller/],
  ])('tells where TRUST_PROXY=%s does not fit the one proxy in front', async (TRUST_PROXY, expected) => {
    const { examine } = await site();
    const { code, stdout } = await examine({ TRUST_PROXY }, ['--no-message']);
    expect(told(stdout, 'addresses')).toMatch(expected);
    expect(code).toBe(1);
  });

  it('tells of an address that leads elsewhere, and of one that leads nowhere', async () => {
    const { examine } = await site();
    const other = createServer((_, response) => response.end('<h1>Welcome</h1>')).listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const address = other.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const elsewhere = await examine({ PUBLIC_ORIGIN: `http://127.0.0.1:${port}` });
    expect(told(elsewhere.stdout, 'way')).toMatch(/^✖ .*not as this service does/);
    const nowhere = await examine({ PUBLIC_ORIGIN: 'http://127.0.0.1:9' });
    expect(told(nowhere.stdout, 'way')).toMatch(/^✖ .*cannot be reached/);
  });

  it('tells why the data folder cannot be used', async () => {
    const { examine } = await site();
    const file = path.join(await temporaryFolder(), 'a-file');
    await writeFile(file, '');
    const { code, stdout } = await examine({ DATA_DIR: path.join(file, 'data') });
    expect(told(stdout, 'log')).toMatch(/^✖ .*cannot be used: .*→ /);
    expect(told(stdout, 'service')).toMatch(/^✖ /);
    expect(code).toBe(1);
  });

  it('tells of another process that has the data folder', async () => {
    const { env, examine } = await site();
    await startChildService({ ...env, PORT: '0' });
    expect(told((await examine()).stdout, 'service')).toMatch(/^✖ .*in use by another process/);
  });

  it('lists what is wrong with the settings, as the start does', async () => {
    const { code, stderr } = await runCommand('doctor', [], { env: { PORT: 'x', RATE_LIMIT: 'five' } });
    expect(stderr).toMatch(/^Invalid settings:\n {2}PORT is "x".*\n {2}RATE_LIMIT is "five"/);
    expect(code).toBe(1);
  });
});
