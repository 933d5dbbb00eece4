import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { until } from '../helpers/events.ts';
import { filesWith, startOps } from './helper.ts';

const SECRET = `whsec_${Buffer.from('a secret of at least twenty-four bytes').toString('base64')}`;

const event = z.object({
  type: z.string(),
  timestamp: z.iso.datetime(),
  data: z.record(z.string(), z.unknown()),
});
type Event = z.output<typeof event>;

interface Call {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** The site's own server: tells what it was sent, and fails while it is told to. */
const startReceiver = async () => {
  const calls: Call[] = [];
  let status = 204;
  let answer = (response: ServerResponse): void => void response.writeHead(status).end();
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    calls.push({ headers: request.headers, body });
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const events = (): Event[] => calls.map(({ body }) => event.parse(JSON.parse(body)));
  return {
    url: `http://127.0.0.1:${port}/events`,
    calls,
    events,
    answerWith: (next: number) => {
      status = next;
      answer = (response) => void response.writeHead(status).end();
    },
    answerBy: (next: (response: ServerResponse) => void) => {
      answer = next;
    },
    next: (type: string) =>
      until(() => events().find((one) => one.type === type), `the event ${type}`, 20_000),
  };
};

const header = ({ headers }: Call, name: string): string => String(headers[name]);
const headersOf = (call: Call) => ({
  'webhook-id': header(call, 'webhook-id'),
  'webhook-timestamp': header(call, 'webhook-timestamp'),
  'webhook-signature': header(call, 'webhook-signature'),
});

const isOf = ({ visitor }: Event['data'], id: string): boolean =>
  z.object({ id: z.literal(id) }).safeParse(visitor).success;

describe('webhooks', () => {
  it('tell of answers, failures, opinions and budgets, signed as Standard Webhooks says', async () => {
    const receiver = await startReceiver();
    const { emulator, service } = await startOps({
      WEBHOOK_URL: receiver.url,
      WEBHOOK_SECRET: SECRET,
      DAILY_TOKENS: '1',
    });
    const { body } = await service.post({ user_id: 'ada', message: 'Where is my parcel?' });
    expect((await receiver.next('exchange.completed')).data).toMatchObject({
      id: body.id,
      visitor: { kind: 'user', id: 'ada' },
      user: 'Where is my parcel?',
      bot: body.answer,
    });
    expect((await receiver.next('budget.warning')).data).toMatchObject({ budget: 'DAILY_TOKENS', limit: 1 });

    const rated = await fetch(`${service.url}/api/feedback`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ id: body.id, rating: 'down', comment: 'That is not it.' }),
    });
    expect(rated.status).toBe(204);
    expect((await receiver.next('feedback.created')).data).toEqual({
      id: body.id,
      visitor: { kind: 'user', id: 'ada' },
      feedback: { rating: 'down', comment: 'That is not it.' },
    });
    expect(emulator.calls.responses).toBe(1);

    const webhook = new Webhook(SECRET);
    for (const call of receiver.calls) expect(() => webhook.verify(call.body, headersOf(call))).not.toThrow();
    const [first] = receiver.calls;
    if (!first) throw new Error('nothing came');
    expect(() => webhook.verify(first.body.replace('ada', 'eve'), headersOf(first))).toThrow();
    expect(new Set(receiver.calls.map((call) => header(call, 'webhook-id'))).size).toBe(3);
  });

  it('tell of a turn that failed, by its code', async () => {
    const receiver = await startReceiver();
    const { emulator, service } = await startOps({ WEBHOOK_URL: receiver.url, WEBHOOK_SECRET: SECRET });
    emulator.fail({ on: 'responses', fault: { kind: 'failed', code: 'invalid_prompt' } });
    const { body } = await service.post({ user_id: 'ada', message: 'Hello' });
    expect((await receiver.next('exchange.failed')).data).toMatchObject({
      user: 'Hello',
      bot: null,
      error: body.error?.code,
    });
  });

  it('are tried again under the same id where the receiver failed, and are seen on the page until then', async () => {
    const receiver = await startReceiver();
    receiver.answerWith(500);
    const { service, page } = await startOps({ WEBHOOK_URL: receiver.url, WEBHOOK_SECRET: SECRET });
    const began = performance.now();
    expect((await service.post({ user_id: 'ada', message: 'Hello' })).status).toBe(200);
    const troubled = () => page('/ops/settings');
    await until(async () => (await troubled()).includes('status 500'), 'the page shows the failure');
    const shown = await troubled();
    expect(shown).toContain('exchange.completed');
    expect(shown).toContain('1 event on the way.');
    receiver.answerWith(204);
    await until(() => receiver.calls.length === 2, 'the second try', 20_000);
    // The first wait is five seconds.
    expect(performance.now() - began).toBeGreaterThan(4_900);
    expect(new Set(receiver.calls.map((call) => header(call, 'webhook-id'))).size).toBe(1);
    await until(async () => (await troubled()).includes('Nothing is waiting.'), 'the event is delivered');
    expect(await troubled()).not.toContain('status 500');
  }, 40_000);

  it('do not harm the service, whatever the receiver answers, and all are sent', async () => {
    const receiver = await startReceiver();
    const long = 'x'.repeat(300_000);
    const oddities: ((response: ServerResponse) => void)[] = [
      (response) => response.writeHead(500, { 'content-type': 'text/html' }).end(long),
      (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(long),
      (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(long),
      (response) => response.writeHead(204, { 'content-encoding': 'br' }).end(),
      (response) => response.writeHead(500, { 'content-length': 9 }).write('cut', () => response.destroy()),
      (response) => response.socket?.end('no HTTP at all\r\n\r\n'),
      (response) =>
        response.socket?.write(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
        ),
      (response) => {
        const chunk = Buffer.alloc(64 * 1024);
        const more = (): void => {
          while (!response.destroyed && response.write(chunk));
        };
        response.on('drain', more).on('error', () => undefined);
        more();
      },
    ];
    const { service } = await startOps({ WEBHOOK_URL: receiver.url });
    for (const [n, oddity] of oddities.entries()) {
      receiver.answerBy(oddity);
      expect((await service.post({ user_id: `v${n}`, message: 'Hello' })).status).toBe(200);
      await until(() => receiver.events().some(({ data }) => isOf(data, `v${n}`)), `event ${n}`);
    }
    receiver.answerWith(204);
    expect((await service.post({ user_id: 'last', message: 'Hello' })).status).toBe(200);
    await until(() => receiver.events().some(({ data }) => isOf(data, 'last')), 'the last event');
    // Ends also what is still being sent.
    await service.stop();
  });

  it('wait in the store while the service is stopped, and go out at the next start', async () => {
    const receiver = await startReceiver();
    receiver.answerWith(503);
    const env = { WEBHOOK_URL: receiver.url, WEBHOOK_SECRET: SECRET };
    const { service } = await startOps(env);
    await service.post({ user_id: 'ada', message: 'Hello' });
    await until(() => receiver.calls.length === 1, 'the first try');
    await service.stop();
    expect(await filesWith(service.dir, 'exchange.completed')).not.toEqual([]);
    receiver.answerWith(204);
    await startOps({ ...env, DATA_DIR: service.dir });
    await until(() => receiver.calls.length === 2, 'the event is sent by the next process', 20_000);
    expect(receiver.events()[1]).toEqual(receiver.events()[0]);
  }, 40_000);
});
