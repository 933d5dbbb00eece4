import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Answer, context, order, startSite } from './webhook-site.ts';

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
