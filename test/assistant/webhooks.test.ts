import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseAssistant } from '../../src/assistant/parse.ts';
import { createWebhooks, type ToolContext } from '../../src/assistant/webhooks.ts';
import { createHttpClient } from '../../src/backends/http-client.ts';

const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
const http = createHttpClient();
const clock = { now: () => Date.now() };

interface Received {
  readonly headers: Record<string, string>;
  readonly body: string;
}
type Answer = (outgoing: ServerResponse, received: Received, incoming: IncomingMessage) => unknown;

/** A site's server, and the assistant whose functions call it: `order` signed, `hours` for anyone. */
const startSite = async (answer: Answer, timeout_ms = 5_000) => {
  const received: Received[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const headers = Object.fromEntries(Object.entries(incoming.headers).map(([k, v]) => [k, String(v)]));
    const call = { headers, body: await text(incoming) };
    received.push(call);
    await answer(outgoing, call, incoming);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/secret-path`;
  const hook = (name: string, more: object) => ({
    type: 'function',
    function: { name },
    'x-webhook': { url, timeout_ms, ...more },
  });
  const tools = [hook('order', { secret_env: 'SITE' }), hook('hours', { allow_unverified: true })];
  const { definition, secrets } = parseAssistant({ tools }, { env: { SITE: SECRET } });
  const lines: unknown[] = [];
  const logger = {
    debug: () => undefined,
    warn: (fields: object, message: string) => lines.push({ ...fields, message }),
  };
  return {
    received,
    lines,
    server,
    ...createWebhooks({ definition, secrets, fetch: http.fetch, clock, logger }),
  };
};

const context = (more: Partial<ToolContext> = {}): ToolContext => ({
  userId: 'ada',
  verified: true,
  exchangeId: 'exchange-1',
  signal: new AbortController().signal,
  ...more,
});
const order = (more: object = {}) => ({
  name: 'order',
  arguments: '{"id": 12345678901234567890}',
  callId: 'call_1',
  ...more,
});

describe('a call of a function', () => {
  it('is posted to its webhook, and what comes back is what the model is told', async () => {
    const site = await startSite((outgoing) => outgoing.end('{"state":"sent"}'));
    expect(await site.call(order(), context())).toBe('{"state":"sent"}');
    // The number is longer than a JavaScript one: it arrives as the model wrote it.
    expect(site.received[0]?.body).toBe(
      '{"name":"order","arguments":{"id": 12345678901234567890},"user_id":"ada","verified":true,"exchange_id":"exchange-1","call_id":"call_1"}',
    );
    expect(site.received[0]?.headers['content-type']).toBe('application/json');
  });

  it('is signed so that the published package verifies it, and nothing else', async () => {
    const site = await startSite((outgoing) => outgoing.end('ok'));
    await site.call(order({ arguments: '{"note":"Grüße 👋"}' }), context());
    const [{ body, headers } = { body: '', headers: {} }] = site.received;
    expect(new Webhook(SECRET).verify(body, headers)).toMatchObject({ arguments: { note: 'Grüße 👋' } });
    expect(() => new Webhook(SECRET).verify(`${body} `, headers)).toThrow();
    expect(() => new Webhook(`whsec_${btoa('another key')}`).verify(body, headers)).toThrow();
  });

  it('has an id of its own each time, so that a receiver can tell a replay', async () => {
    const site = await startSite((outgoing) => outgoing.end('ok'));
    await site.call(order(), context());
    await site.call(order(), context());
    expect(new Set(site.received.map(({ headers }) => headers['webhook-id'])).size).toBe(2);
  });

  it('without a secret does not look signed', async () => {
    const site = await startSite((outgoing) => outgoing.end('ok'));
    const anonymous = context({ userId: null, verified: false });
    await site.call({ name: 'hours', arguments: '', callId: 'call_1' }, anonymous);
    const [{ body, headers } = { body: '', headers: {} }] = site.received;
    expect(Object.keys(headers).filter((name) => name.startsWith('webhook-'))).toEqual([
      'webhook-id',
      'webhook-timestamp',
    ]);
    expect(JSON.parse(body)).toMatchObject({ arguments: {}, user_id: null, verified: false });
  });

  it('for a visitor who is not verified is made only where the function is marked for them', async () => {
    const site = await startSite((outgoing) => outgoing.end('ok'));
    const result = await site.call(order(), context({ verified: false }));
    expect(JSON.parse(result)).toEqual({ error: expect.stringContaining('signed in') });
    expect(site.received).toEqual([]);
    expect(await site.call(order({ name: 'hours' }), context({ verified: false }))).toBe('ok');
  });

  it.each([
    ['a name that there is not', { name: 'toString' }, 'There is no such function.'],
    ['broken arguments', { arguments: '{"id":' }, 'The arguments are not valid JSON.'],
  ])('with %s is answered without calling anybody', async (_what, more, error) => {
    const site = await startSite((outgoing) => outgoing.end('ok'));
    expect(JSON.parse(await site.call(order(more), context()))).toEqual({ error });
    expect(site.received).toEqual([]);
  });

  it('runs beside others: twenty slow ones take the time of one', async () => {
    const site = await startSite(async (outgoing, { body }) => {
      await sleep(300);
      outgoing.end(JSON.parse(body).call_id);
    });
    const begun = performance.now();
    const ids = Array.from({ length: 20 }, (_, index) => `call_${index}`);
    const turn = context();
    const warned: string[] = [];
    const onWarning = ({ name }: Error) => warned.push(name);
    process.on('warning', onWarning);
    expect(await Promise.all(ids.map((callId) => site.call(order({ callId }), turn)))).toEqual(ids);
    process.off('warning', onWarning);
    expect(performance.now() - begun).toBeLessThan(2_000);
    expect(warned).toEqual([]);
  });
});

describe('a webhook that does not do its part', () => {
  const bad: [string, Answer, string][] = [
    [
      'fails',
      (outgoing) => outgoing.writeHead(500).end('Error at /srv/app.js:3'),
      'It failed with status 500.',
    ],
    ['does not know the order', (outgoing) => outgoing.writeHead(404).end(), 'It failed with status 404.'],
    ['hangs up', (outgoing) => outgoing.destroy(), 'It cannot be reached.'],
    [
      'breaks off',
      (outgoing) => {
        outgoing.writeHead(200, { 'content-length': '100' }).write('half', () => outgoing.destroy());
      },
      'Its answer broke off.',
    ],
    ['never answers', () => undefined, 'It did not answer in time.'],
    ['never ends its answer', (outgoing) => outgoing.write('some'), 'It did not answer in time.'],
  ];
  it.each(bad)(
    '(it %s) is told to the model as the result, and logged without address or content',
    async (_what, answer, error) => {
      const site = await startSite(answer, 400);
      const begun = performance.now();
      expect(JSON.parse(await site.call(order(), context()))).toEqual({ error });
      const took = performance.now() - begun;
      // Its own time is what ends a call that does not end: not before, and soon after.
      if (error.includes('in time')) expect(took).toBeGreaterThan(390);
      expect(took).toBeLessThan(1_400);
      expect(site.lines).toMatchObject([{ exchange: 'exchange-1', function: 'order' }]);
      expect(JSON.stringify(site.lines)).not.toMatch(
        /127\.0\.0\.1|secret-path|12345678901234567890|app\.js|ada/,
      );
    },
  );

  it('(nobody listens there) is told to the model, too', async () => {
    const site = await startSite(() => undefined);
    await new Promise((resolve) => site.server.close(resolve));
    expect(JSON.parse(await site.call(order(), context()))).toEqual({ error: 'It cannot be reached.' });
    expect(site.lines).toMatchObject([{ why: 'ECONNREFUSED' }]);
  });

  it.each([301, 302, 307, 308])('is not followed where it redirects (%d)', async (status) => {
    const site = await startSite((outgoing) => outgoing.writeHead(status, { location: '/other' }).end());
    const error = 'It answered with a redirect, which is not followed.';
    expect(JSON.parse(await site.call(order(), context()))).toEqual({ error });
    expect(site.received).toHaveLength(1);
  });

  it('that fails at endless length is closed without being read', async () => {
    let isClosed = false;
    const site = await startSite((outgoing) => {
      outgoing.on('close', () => {
        isClosed = true;
      });
      outgoing.writeHead(500);
      const more = () => {
        if (!outgoing.destroyed) outgoing.write('x'.repeat(1_000), () => setTimeout(more, 1));
      };
      more();
    }, 30_000);
    expect(JSON.parse(await site.call(order(), context()))).toEqual({ error: 'It failed with status 500.' });
    await expect.poll(() => isClosed).toBe(true);
  });

  it('has 10 MB cut off at 64 KiB: the rest is not read, and the model is told', async () => {
    let hungUp = false;
    const site = await startSite(async (outgoing) => {
      outgoing.on('close', () => {
        hungUp = !outgoing.writableFinished;
      });
      for (let sent = 0; sent < 10_000 && !outgoing.destroyed; sent += 1) {
        if (!outgoing.write('é'.repeat(512))) await sleep(1);
      }
      outgoing.end();
    });
    const result = await site.call(order(), context());
    expect(result).toBe(`${'é'.repeat(32 * 1024)}\n[cut off: the answer was longer than 64 KiB]`);
    await expect.poll(() => hungUp).toBe(true);
  });

  it('has exactly 64 KiB taken whole', async () => {
    const site = await startSite((outgoing) => outgoing.end('x'.repeat(64 * 1024)));
    expect(await site.call(order(), context())).toBe('x'.repeat(64 * 1024));
  });

  it('has garbage made safe: what is no text becomes replacement characters', async () => {
    const site = await startSite((outgoing) =>
      outgoing.end(Buffer.from([0x61, 0xff, 0xfe, 0x00, 0x1b, 0x0a, 0x62])),
    );
    expect(await site.call(order(), context())).toBe('a\uFFFD\uFFFD\uFFFD\uFFFD\nb');
  });

  it('has an empty answer told as a null result', async () => {
    const site = await startSite((outgoing) => outgoing.writeHead(204).end());
    expect(await site.call(order(), context())).toBe('{"result":null}');
  });
});

describe('a turn that ends', () => {
  it('ends the call with its reason, and the connection with it', async () => {
    const turn = new AbortController();
    const reason = new Error('the turn is over');
    let closed = false;
    const site = await startSite((outgoing) => {
      outgoing.on('close', () => {
        closed = true;
      });
      turn.abort(reason);
    }, 30_000);
    const begun = performance.now();
    await expect(site.call(order(), context({ signal: turn.signal }))).rejects.toBe(reason);
    // Well within the call's own time.
    expect(performance.now() - begun).toBeLessThan(3_000);
    await expect.poll(() => closed).toBe(true);
    expect(site.lines).toEqual([]);
  });

  it('makes no more calls', async () => {
    const site = await startSite((outgoing) => outgoing.end('ok'));
    const signal = AbortSignal.abort(new Error('over'));
    await expect(site.call(order(), context({ signal }))).rejects.toThrow('over');
    expect(site.received).toEqual([]);
  });
});
