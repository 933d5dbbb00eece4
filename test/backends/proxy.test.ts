import { writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startEmulator, startService, temporaryFolder, upstreamEnv } from '../helpers/service.ts';
import { startHook } from '../helpers/webhook.ts';

/** A proxy that passes plain calls on, and refuses tunnels; both are noted. */
const startProxy = async () => {
  const seen: string[] = [];
  const server = createServer((incoming, outgoing) => {
    seen.push(`${incoming.method} ${incoming.url}`);
    const { method, headers } = incoming;
    const onward = request(incoming.url ?? '', { ...(method ? { method } : {}), headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  server.on('connect', (incoming, socket) => {
    seen.push(`CONNECT ${incoming.url}`);
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return { url: `http://127.0.0.1:${port}`, seen };
};

describe('a proxy', () => {
  it.each(['HTTP_PROXY', 'http_proxy'])(
    'that %s names is asked for every call of the upstream',
    async (name) => {
      const proxy = await startProxy();
      const emulator = await startEmulator();
      const service = await startService({ ...upstreamEnv(emulator), [name]: proxy.url });
      expect((await service.post({ user_id: 'ann', message: 'Hello!' })).status).toBe(200);
      expect(proxy.seen).toContain(`POST ${emulator.url}/conversations`);
      expect(proxy.seen).toContain(`POST ${emulator.url}/responses`);
    },
  );

  it('is asked for the calls of functions, too', async () => {
    const proxy = await startProxy();
    const emulator = await startEmulator();
    const hook = await startHook(() => '"on its way"');
    const file = path.join(await temporaryFolder(), 'assistant.json');
    const tool = {
      type: 'function',
      function: { name: 'order' },
      'x-webhook': { url: hook.url, allow_unverified: true },
    };
    await writeFile(file, JSON.stringify({ model: 'gpt-6-luna', tools: [tool] }));
    const service = await startService({
      ...upstreamEnv(emulator),
      ASSISTANT_FILE: file,
      HTTP_PROXY: proxy.url,
    });
    emulator.callTools = ({ round }) => (round === 0 ? [{ name: 'order', arguments: '{}' }] : []);
    const { body } = await service.post({ user_id: 'ann', message: 'Where is it?' });
    expect(body.answer).toContain('on its way');
    expect(proxy.seen).toContain(`POST ${hook.url}`);
  });

  it('is not asked for hosts that NO_PROXY names', async () => {
    const proxy = await startProxy();
    const emulator = await startEmulator();
    const env = { ...upstreamEnv(emulator), HTTP_PROXY: proxy.url, NO_PROXY: 'example.org,127.0.0.1' };
    const service = await startService(env);
    expect((await service.post({ user_id: 'ann', message: 'Hello!' })).status).toBe(200);
    expect(proxy.seen).toEqual([]);
  });

  it('that HTTPS_PROXY names is asked for a tunnel to an https upstream, and to no other', async () => {
    const proxy = await startProxy();
    const emulator = await startEmulator();
    const plain = await startService({ ...upstreamEnv(emulator), HTTPS_PROXY: proxy.url });
    expect((await plain.post({ user_id: 'ann', message: 'Hello!' })).status).toBe(200);
    expect(proxy.seen).toEqual([]);
    const secure = await startService({
      ...upstreamEnv({ url: 'https://llm.invalid/v1' }, 'completions'),
      HTTPS_PROXY: proxy.url,
      RUN_TIMEOUT: '4s',
    });
    const { body } = await secure.post({ user_id: 'ann', message: 'Hello!' });
    expect(body.error?.code).toBe('upstream_unreachable');
    expect(proxy.seen).toContain('CONNECT llm.invalid:443');
  });
});
