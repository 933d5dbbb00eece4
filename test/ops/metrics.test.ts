import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { allEvents, until } from '../helpers/events.ts';
import { type Family, parsePrometheus, type Sample } from '../helpers/prometheus-text.ts';
import { startEmulator, startService, type TestService, upstreamEnv } from '../helpers/service.ts';
import { openSocket, tokenFor } from '../helpers/sockets.ts';

const OPS_TOKEN = 'ops-token-of-the-tests-0123456789abcdef';

const started = async (env: Record<string, string> = {}) => {
  const emulator = await startEmulator();
  const service = await startService({ ...upstreamEnv(emulator), OPS_TOKEN, ...env });
  return { emulator, service, scrape: () => scrapeOf(service) };
};

/** What Prometheus would read. */
const scrapeOf = async (service: Pick<TestService, 'url'>) => {
  const headers = { Authorization: `Bearer ${OPS_TOKEN}` };
  const text = await (await fetch(`${service.url}/metrics`, { headers })).text();
  const families = parsePrometheus(text);
  const samples = (name: string): readonly Sample[] =>
    families.get(`thread_proxy_${name.replace(/_(bucket|sum|count)$/, '')}`)?.samples ?? [];
  /** The sum over all series of a name that carry these labels; undefined: there is none. */
  const value = (name: string, labels: Record<string, string> = {}): number | undefined => {
    const found = samples(name).filter(
      (sample) =>
        sample.name === `thread_proxy_${name}` &&
        Object.entries(labels).every(([label, text]) => sample.labels[label] === text),
    );
    return found.length === 0 ? undefined : found.reduce((sum, sample) => sum + sample.value, 0);
  };
  return { text, families, value };
};

const usage = z.object({ input: z.number(), output: z.number() });

describe('GET /metrics', () => {
  it('counts a known load exactly, in a text that Prometheus takes', async () => {
    const { emulator, service, scrape } = await started({ PRICES: '*=1/4', RATE_LIMIT: '8/1h' });
    for (const user_id of ['ada', 'ada', 'bob', 'cyd']) {
      expect((await service.post({ user_id, message: 'Hello' })).status).toBe(200);
    }
    for (const user_id of ['ada', 'dan']) {
      const { events } = await service.stream({ user_id, message: 'Hello' });
      expect((await allEvents(events)).at(-1)?.event).toBe('done');
    }
    emulator.fail({ on: 'responses', fault: { kind: 'failed', code: 'invalid_prompt' } });
    const failed = await service.post({ user_id: 'eve', message: 'Hello' });
    expect((await service.post({ user_id: 'eve', message: '' })).status).toBe(400);
    for (let n = 0; n < 3; n++) expect((await service.post({ message: 'Hello' })).status).toBe(429);

    const { families, value, text } = await scrape();
    expect([...families].filter(([, family]: [string, Family]) => family.help === '')).toEqual([]);
    const code = failed.body.error?.code ?? '';
    expect(value('turns_total', { outcome: 'answered', backend: 'responses' })).toBe(6);
    expect(value('turns_total', { outcome: code })).toBe(1);
    expect(value('turns_total')).toBe(7);
    const chat = { method: 'POST', route: '/api/chat' };
    expect(value('http_requests_total', { ...chat, status: '200' })).toBe(6);
    expect(value('http_requests_total', { ...chat, status: String(failed.status) })).toBe(1);
    expect(value('http_requests_total', { ...chat, status: '400' })).toBe(1);
    expect(value('http_requests_total', { ...chat, status: '429' })).toBe(3);
    expect(value('http_request_seconds_count', chat)).toBe(11);
    expect(value('limited_total', { limit: 'post' })).toBe(3);
    expect(value('refused_total', { code: 'rate_limited' })).toBe(3);
    expect(value('turn_seconds_count')).toBe(7);
    expect(value('queue_wait_seconds_count')).toBe(7);
    expect(value('first_word_seconds_count')).toBe(6);
    expect(value('commit_seconds_count')).toBe(7);
    expect(value('commit_seconds_sum')).toBeGreaterThan(0);
    expect(value('live_turns')).toBe(0);
    expect(value('live_streams')).toBe(0);
    expect(value('store_queue')).toBeGreaterThanOrEqual(0);
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds \d/m);
    expect(text).not.toMatch(/"(ada|bob|cyd|eve)/);

    const used = Object.values(await service.finalLog())
      .flat()
      .flatMap((exchange) => (exchange.usage === undefined ? [] : [usage.parse(exchange.usage)]));
    const input = used.reduce((sum, one) => sum + one.input, 0);
    const output = used.reduce((sum, one) => sum + one.output, 0);
    expect(value('tokens_total', { direction: 'input' })).toBe(input);
    expect(value('tokens_total', { direction: 'output' })).toBe(output);
    expect(value('cost_total')).toBeCloseTo((input + 4 * output) / 1e6, 12);
  });

  it('tells what is live: turns, streams that are read, sockets', async () => {
    const { emulator, service, scrape } = await started();
    const held = emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 1 } });
    const { events } = await service.stream({ user_id: 'ada', message: 'Hello' });
    await until(() => held.holds === 1, 'the turn is held');
    const socket = await openSocket(service, { token: await tokenFor(service) });
    const during = await scrape();
    expect(during.value('live_turns')).toBe(1);
    expect(during.value('live_streams')).toBe(1);
    expect(during.value('live_sockets')).toBe(1);
    expect(during.value('http_requests_total', { route: '/api/chat/ws', status: '101' })).toBe(1);
    held.release();
    await allEvents(events);
    socket.ws.close();
    await socket.closed;
    const isOver = async () => {
      const { value } = await scrape();
      return value('live_turns') === 0 && value('live_streams') === 0 && value('live_sockets') === 0;
    };
    await until(isOver, 'nothing is live');
  });

  it('tells how long a message waited for the one before it', async () => {
    const { emulator, service, scrape } = await started();
    const held = emulator.fail({ on: 'responses', fault: { kind: 'hold' } });
    const first = service.post({ user_id: 'ada', message: 'Hello' });
    await until(() => held.holds === 1, 'the first turn is held');
    const second = await service.stream({ user_id: 'ada', message: 'Are you there?' });
    // It is accepted, and waits: from here on time passes.
    await second.events.next();
    const began = performance.now();
    await until(() => performance.now() - began > 60, 'a wait that can be told from none');
    held.release();
    await first;
    await allEvents(second.events);
    const waits = (await scrape()).families.get('thread_proxy_queue_wait_seconds')?.samples ?? [];
    const below = (le: string) =>
      waits.find(({ name, labels }) => name.endsWith('_bucket') && labels.le === le)?.value;
    expect(below('0.05')).toBe(1);
    expect(below('+Inf')).toBe(2);
  });

  it('tells how long conversations.json took to be written, once it was', async () => {
    const { service, scrape } = await started();
    await service.post({ user_id: 'ada', message: 'Hello' });
    const seconds = await until(
      async () => (await scrape()).value('projection_seconds'),
      'conversations.json is written',
    );
    expect(seconds).toBeLessThan(10);
  });

  it('tells what of each budget is used today', async () => {
    const { service, scrape } = await started({
      PRICES: '*=1000/1000',
      DAILY_COST: '100000',
      DAILY_TOKENS: '50000',
    });
    expect((await scrape()).value('budget_used', { budget: 'DAILY_COST' })).toBe(0);
    await service.post({ user_id: 'ada', message: 'Hello' });
    const { value } = await scrape();
    const tokens = value('tokens_total');
    expect(tokens).toBeGreaterThan(0);
    expect(value('budget_used', { budget: 'DAILY_TOKENS' })).toBe(tokens);
    expect(value('budget_used', { budget: 'DAILY_COST' })).toBeCloseTo((tokens ?? 0) / 1_000, 9);
    expect(value('budget_limit', { budget: 'DAILY_COST' })).toBe(100_000);
  });

  it('is refused by the reader of the tests where a line is wrong', () => {
    const good = '# HELP a_total A.\n# TYPE a_total counter\na_total{b="c\\"d"} 1\n';
    expect(parsePrometheus(good).get('a_total')?.samples[0]?.labels).toEqual({ b: 'c"d' });
    for (const bad of [
      good.slice(0, -1),
      `${good}a_total{b="c\\"d"} 2\n`,
      `${good}b_total 1\n`,
      good.replace(' 1\n', ' one\n'),
      good.replace('b="', 'b='),
      '# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
    ]) {
      expect(() => parsePrometheus(bad), bad).toThrow();
    }
  });
});
