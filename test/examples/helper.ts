import { spawn, spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { z } from 'zod';
import { callApi, SITE_KEY } from '../helpers/api.ts';
import { ROOT, runProgram } from '../helpers/child-service.ts';
import { startBoth, type TestService, temporaryFolder } from '../helpers/service.ts';

export const EXAMPLES = path.join(ROOT, 'examples');
/** What the examples name as the address of the service. */
export const PLACEHOLDER = 'https://chat.example.org';

/** Whether a program is installed and ends well. */
export const works = (command: string, ...args: string[]): boolean => {
  const { error, status } = spawnSync(command, args, { stdio: 'ignore' });
  return error === undefined && status === 0;
};

/** A port that nobody listens on now. */
export const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
};

/** Runs Caddy with this file until the test ends. */
export const runCaddy = async (site: string): Promise<void> => {
  const folder = await temporaryFolder();
  await writeFile(path.join(folder, 'Caddyfile'), `{\n\tadmin off\n}\n${site}`);
  await runProgram(['caddy', 'run', '--config', path.join(folder, 'Caddyfile')], { env: { HOME: folder } });
};

/** An example's text, with the service's address in it. */
export const exampleText = async (file: string, url: string): Promise<string> => {
  const text = await readFile(path.join(EXAMPLES, file), 'utf8');
  expect(text).toContain(PLACEHOLDER);
  return text.replaceAll(PLACEHOLDER, url);
};

/** Starts a program that ends with the test. @returns The address that it prints. */
export const startProgram = async (
  [command, ...args]: readonly [string, ...string[]],
  options: { readonly env?: Record<string, string>; readonly cwd?: string } = {},
): Promise<string> => {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill());
  let output = '';
  return new Promise((resolve, reject) => {
    const onText = (text: string): void => {
      output += text;
      const [url] = /https?:\/\/127\.0\.0\.1:\d+/.exec(output) ?? [];
      if (url) resolve(url);
    };
    child.stdout.setEncoding('utf8').on('data', onText);
    child.stderr.setEncoding('utf8').on('data', onText);
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`${command} ended with ${code}: ${output}`)));
  });
};

/** A service that knows the site's key. */
export const startSigned = async () =>
  startBoth({
    env: { SITE_KEYS: SITE_KEY, IDENTITY: 'signed' },
    emulator: { answer: ({ message }) => `Answer to ${message}` },
  });

const tokenAnswer = z.strictObject({ session_token: z.string(), expires_at: z.number() });

/**
 * Asks a token endpoint as a page does: nobody gets a token without signing in, and with the token of user 42 the
 * service answers, and logs a verified user 42.
 */
export const expectGoodTokens = async (
  service: TestService,
  url: string,
  signedIn: Record<string, string>,
): Promise<void> => {
  const refused = await fetch(url, { redirect: 'manual' });
  // Laravel shows its login page, and WordPress knows no such call of guests.
  expect([302, 400, 401]).toContain(refused.status);
  const response = await fetch(url, { headers: signedIn });
  expect(response.status).toBe(200);
  expect(response.headers.get('cache-control')).toContain('no-store');
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  const { session_token, expires_at } = tokenAnswer.parse(await response.json());
  expect(expires_at).toBeGreaterThan(Date.now() / 1_000);
  const answer = await service.post({ message: 'Hello' }, { Authorization: `Bearer ${session_token}` });
  expect(answer.body).toMatchObject({ answer: 'Answer to Hello' });
  const history = await callApi(service, 'GET', '/api/history?user_id=42', { bearer: SITE_KEY });
  expect(history.body.history).toMatchObject([{ user: 'Hello', bot: 'Answer to Hello' }]);
};
