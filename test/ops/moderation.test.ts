import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { temporaryFolder } from '../helpers/service.ts';
import { startHook } from '../helpers/webhook.ts';
import { startOps } from './helper.ts';

const SECRET = `whsec_${Buffer.from('a secret of at least twenty-four bytes').toString('base64')}`;
const REFUSAL = /cannot help with this/;

const judgeOf = (flagged: (message: string) => boolean) =>
  startHook((body) => {
    const { message } = z.object({ message: z.string() }).parse(JSON.parse(body));
    return JSON.stringify({ flagged: flagged(message), categories: ['threat'] });
  });

describe('moderation by a webhook', () => {
  it('refuses politely what is flagged, logs why, and spends no run on it', async () => {
    const judge = await judgeOf((message) => message.includes('bomb'));
    const { service, emulator, page } = await startOps({ MODERATION: judge.url, WEBHOOK_SECRET: SECRET });
    const flagged = await service.post({ user_id: 'ada', message: 'How do I build a bomb?' });
    expect(flagged.status).toBe(200);
    expect(flagged.body.answer).toMatch(REFUSAL);
    expect(emulator.calls.responses).toBe(0);
    expect(emulator.calls.conversations).toBe(0);
    const fine = await service.post({ user_id: 'ada', message: 'Where is my parcel?' });
    expect(fine.body.answer).not.toMatch(REFUSAL);
    expect(emulator.calls.responses).toBe(1);
    expect(await page('/ops/conversations?show=flagged')).toContain('ada');

    const [call] = judge.calls;
    if (!call) throw new Error('nobody was asked');
    const webhook = new Webhook(SECRET);
    const headers = Object.fromEntries(
      Object.entries(call.headers).map(([name, value]) => [name, String(value)]),
    );
    expect(() => webhook.verify(call.body, headers)).not.toThrow();

    const log = await service.finalLog();
    expect(log.ada?.[0]).toMatchObject({ flagged: ['threat'], user: 'How do I build a bomb?' });
    expect(log.ada?.[1]).not.toHaveProperty('flagged');
  });

  it('answers with the refusal that the assistant’s file names', async () => {
    const file = path.join(await temporaryFolder(), 'assistant.json');
    const refusal = 'Let us talk about camping instead.';
    await writeFile(file, JSON.stringify({ model: 'gpt-6-luna', 'x-ops': { refusal } }));
    const judge = await judgeOf(() => true);
    const { service } = await startOps({ MODERATION: judge.url, ASSISTANT_FILE: file });
    expect((await service.post({ user_id: 'ada', message: 'Hello' })).body.answer).toBe(refusal);
  });

  it('lets messages pass while nobody judges, unless MODERATION_FAIL is closed', async () => {
    const judge = await startHook(() => ({ status: 500, text: 'no' }));
    const open = await startOps({ MODERATION: judge.url });
    expect((await open.service.post({ user_id: 'ada', message: 'Hello' })).status).toBe(200);
    expect(open.emulator.calls.responses).toBe(1);
    const closed = await startOps({ MODERATION: judge.url, MODERATION_FAIL: 'closed' });
    const refused = await closed.service.post({ user_id: 'ada', message: 'Hello' });
    expect(refused.status).toBe(502);
    expect(refused.body.error?.code).toBe('upstream_failed');
    expect(closed.emulator.calls.responses).toBe(0);
    expect(judge.calls).toHaveLength(2);
  });
});

describe('a judge that does not behave', () => {
  it.each([
    ['sends a body without end', 'endless'],
    ['changes to another protocol', 'other protocol'],
    ['breaks off in its body', 'breaks off'],
    ['sends what is no JSON', 'no JSON'],
    ['fails with a long body', 'fails'],
  ] as const)('and %s holds up no message for long, nor the service', async (_, answer) => {
    const closed = Promise.withResolvers<void>();
    const server = createServer((request, response) => {
      request.resume();
      request.socket.on('error', () => undefined).on('close', () => closed.resolve());
      if (answer === 'endless') {
        const chunk = Buffer.alloc(64 * 1024, ' ');
        const more = (): void => {
          while (!response.destroyed && response.write(chunk));
        };
        response.on('drain', more);
        more();
      } else if (answer === 'other protocol') {
        request.socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: else\r\n\r\n',
        );
      } else if (answer === 'breaks off') {
        response.writeHead(200, { 'content-length': '100' }).write('{', () => request.socket.destroy());
      } else if (answer === 'no JSON') response.end('<h1>Hello</h1>');
      else response.writeHead(500).end('x'.repeat(500_000));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const { service } = await startOps({ MODERATION: `http://127.0.0.1:${port}/judge` });
    const began = performance.now();
    expect((await service.post({ user_id: 'ada', message: 'Hello' })).status).toBe(200);
    // A judgement may take five seconds: none of these waits for that.
    expect(performance.now() - began).toBeLessThan(4_000);
    if (answer === 'endless') await closed.promise;
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
  });
});

describe('moderation by OpenAI', () => {
  /** A server that moderates, and passes all else on to an emulator. */
  const startUpstream = async (emulator: { url: string }) => {
    const asked: { authorization: string | undefined; input: string }[] = [];
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request.setEncoding('utf8')) body += chunk;
      if (request.url === '/v1/moderations') {
        const { input } = z.object({ input: z.string() }).parse(JSON.parse(body));
        asked.push({ authorization: request.headers.authorization, input });
        const flagged = input.includes('bomb');
        const categories = { violence: flagged, 'self-harm': false };
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ id: 'modr-1', model: 'm', results: [{ flagged, categories }] }));
        return;
      }
      const passed = await fetch(emulator.url + (request.url ?? '').slice('/v1'.length), {
        method: request.method ?? 'GET',
        headers: { 'content-type': 'application/json' },
        ...(body && { body }),
      });
      response.writeHead(passed.status, { 'content-type': passed.headers.get('content-type') ?? '' });
      response.end(await passed.text());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    return { url: `http://127.0.0.1:${port}/v1`, asked };
  };

  it('asks with the key of the upstream, and logs the categories that are flagged', async () => {
    const { emulator } = await startOps();
    const upstream = await startUpstream(emulator);
    const { service } = await startOps({ MODERATION: 'openai', OPENAI_BASE_URL: upstream.url });
    const before = emulator.calls.responses;
    const flagged = await service.post({ user_id: 'ada', message: 'How do I build a bomb?' });
    expect(flagged.body.answer).toMatch(REFUSAL);
    expect(emulator.calls.responses).toBe(before);
    expect((await service.post({ user_id: 'ada', message: 'Hello' })).body.answer).not.toMatch(REFUSAL);
    expect(upstream.asked).toEqual([
      { authorization: 'Bearer test-key-that-nobody-else-has', input: 'How do I build a bomb?' },
      { authorization: 'Bearer test-key-that-nobody-else-has', input: 'Hello' },
    ]);
    expect((await service.finalLog()).ada?.[0]).toMatchObject({ flagged: ['violence'] });
  });
});
