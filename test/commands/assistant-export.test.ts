import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { OpenAI } from 'openai';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseAssistant } from '../../src/assistant/parse.ts';
import { listen } from '../../src/http/server.ts';
import { startEmulator, temporaryFolder } from '../helpers/service.ts';
import { runCommand } from './helper.ts';

const KEY = 'sk-a-key-that-nobody-may-see';

const runIn = (cwd: string, url: string, ...args: string[]) =>
  runCommand('assistant-export', args, { cwd, env: { OPENAI_BASE_URL: url, OPENAI_API_KEY: KEY } });

/** A server that answers everything in one way. */
const serverWith = async (status: number, type: string, body: string): Promise<string> => {
  const server = createServer((_request, response) => {
    response.writeHead(status, { 'Content-Type': type }).end(body);
  });
  onTestFinished(() => void server.close());
  return `${await listen(server, '127.0.0.1', 0)}/v1`;
};

describe('assistant:export', () => {
  test('writes an assistant into a file that the service can use', async () => {
    const emulator = await startEmulator({ apiKey: KEY });
    const client = new OpenAI({ baseURL: emulator.url, apiKey: KEY });
    const made = await client.beta.assistants.create({ model: 'gpt-6-luna', instructions: 'Be brief.' });
    const cwd = await temporaryFolder();
    const { code, stdout, stderr } = await runIn(cwd, emulator.url, made.id);
    expect([code, stderr]).toEqual([0, '']);
    const text = await readFile(path.join(cwd, 'assistant.json'), 'utf8');
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(made)));
    expect(parseAssistant(JSON.parse(text), { env: {} }).definition).toMatchObject({
      instructions: 'Be brief.',
    });
    expect(stdout).toContain(`ASSISTANT_FILE=${path.join(cwd, 'assistant.json')}`);
    expect(stdout).not.toContain(KEY);
  });

  test('names the functions that need a webhook from now on', async () => {
    const tools = [
      { type: 'function', function: { name: 'find_order' } },
      { type: 'file_search' },
      { type: 'function', function: { name: 'book_table' } },
    ];
    const assistant = { id: 'asst_1', object: 'assistant', model: 'm', tools, x_own: { kept: null } };
    const url = await serverWith(200, 'application/json', JSON.stringify(assistant));
    const cwd = await temporaryFolder();
    const { stdout } = await runIn(cwd, url, 'asst_1', '--out', 'mine.json');
    expect(stdout).toContain('find_order, book_table');
    expect(stdout).toContain('vector stores');
    expect(JSON.parse(await readFile(path.join(cwd, 'mine.json'), 'utf8'))).toEqual(assistant);
  });

  test('does not replace a file without --force', async () => {
    const emulator = await startEmulator();
    const cwd = await temporaryFolder();
    const file = path.join(cwd, 'assistant.json');
    await writeFile(file, 'mine');
    const refused = await runIn(cwd, emulator.url, 'asst_1');
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('--force')]);
    expect(emulator.requests).toHaveLength(0);
    expect(await readFile(file, 'utf8')).toBe('mine');
    expect((await runIn(cwd, emulator.url, 'asst_1', '--force')).code).toBe(0);
    expect(await readFile(file, 'utf8')).toContain('"asst_1"');
    expect(await readdir(cwd)).toEqual(['assistant.json']);
  });

  test.each([
    [
      'an id that the server does not know',
      404,
      'application/json',
      '{"error":{"message":"no"}}',
      'has no assistant asst_1',
    ],
    [
      'a wrong key',
      401,
      'application/json',
      '{"error":{"message":"bad key"}}',
      'Is OPENAI_API_KEY the right one?',
    ],
    ['a server that fails', 500, 'application/json', '{}', 'status 500'],
    ['a web page', 200, 'text/html', '<html>secret page</html>', 'is no assistant but a page or text'],
    ['a missing page', 404, 'text/html', '<html>secret page</html>', 'does not speak the Assistants API'],
    ['broken JSON', 200, 'application/json', '{"id": "asst', 'is no assistant'],
    ['another object', 200, 'application/json', '{"data": []}', 'is no assistant'],
  ])('is clear about %s', async (_what, status, type, body, words) => {
    const cwd = await temporaryFolder();
    const { code, stdout, stderr } = await runIn(cwd, await serverWith(status, type, body), 'asst_1');
    expect(stderr).toContain(words);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).not.toMatch(/secret page|bad key|sk-/);
    expect(await readdir(cwd)).toEqual([]);
  });

  test('is clear about a server that cannot be reached', async () => {
    const server = createServer();
    const url = await listen(server, '127.0.0.1', 0);
    server.close();
    const { code, stderr } = await runIn(await temporaryFolder(), `${url}/v1`, 'asst_1');
    expect([code, stderr]).toEqual([1, expect.stringContaining('cannot be reached (ECONNREFUSED)')]);
  });

  test('asks OpenAI only with a key, and explains a call that makes no sense', async () => {
    const cwd = await temporaryFolder();
    const noKey = await runCommand('assistant-export', ['asst_1'], { cwd });
    expect([noKey.code, noKey.stderr]).toEqual([1, expect.stringContaining('OPENAI_API_KEY is absent')]);
    for (const args of [[], ['a b'], ['asst_1', '--nope'], ['asst_1', 'asst_2']]) {
      const { code, stderr } = await runCommand('assistant-export', args, { cwd });
      expect([code, stderr]).toEqual([2, expect.stringContaining('Usage: npm run assistant:export')]);
    }
  });
});
