import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { context, order, SECRET, startSite } from './webhook-site.ts';

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
