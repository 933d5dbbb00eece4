import { describe, expect, it, vi } from 'vitest';
import { startEmulator } from '../helpers/service.ts';
import { SHIPPING, startWith } from './documents-service.ts';

const UPSTREAM_KEY = 'test-key-that-nobody-else-has';
const QUESTION = { user_id: 'ann', message: 'How much is a parcel to Austria?' };
const OPS_TOKEN = 'o'.repeat(40);
const QUICK = { timeout: 20_000, interval: 20 };

describe('embeddings are made', () => {
  it('by the upstream with its key, where nothing else is said', async () => {
    const { emulator } = await startWith(
      { 'shipping.md': SHIPPING },
      { env: { EMBEDDING_MODEL: 'm' }, emulator: { apiKey: UPSTREAM_KEY } },
    );
    await vi.waitFor(() => expect(emulator.calls.embeddings).toBe(1), QUICK);
  });

  it('by another server without the upstream’s key, which was not made for it', async () => {
    const other = await startEmulator({ apiKey: UPSTREAM_KEY });
    const { service } = await startWith(
      { 'shipping.md': SHIPPING },
      { env: { EMBEDDING_MODEL: 'm', EMBEDDING_BASE_URL: other.url } },
    );
    // It would have been taken.
    const refused = () => service.lines.filter(({ reason }) => String(reason).includes('answered 401'));
    await vi.waitFor(() => expect(refused().length).toBeGreaterThan(0), QUICK);
  });

  it('by another server with its own key', async () => {
    const other = await startEmulator({ apiKey: 'another-key' });
    const { emulator } = await startWith(
      { 'shipping.md': SHIPPING },
      { env: { EMBEDDING_MODEL: 'm', EMBEDDING_BASE_URL: other.url, EMBEDDING_API_KEY: 'another-key' } },
    );
    await vi.waitFor(() => expect(other.calls.embeddings).toBe(1), QUICK);
    expect(emulator.calls.embeddings).toBe(0);
  });
});

describe('what a search uses counts in the budget of the day', () => {
  it.each([
    ['embedded', { EMBEDDING_MODEL: 'm' }, 'embeddings'],
    ['rewritten', { QUERY_REWRITE: 'true' }, 'completions'],
  ] as const)('a question that is %s', async (_, env, endpoint) => {
    const { service, emulator } = await startWith(
      { 'shipping.md': SHIPPING },
      { env: { ...env, DAILY_TOKENS: '1000000', OPS_TOKEN } },
    );
    const used = async (): Promise<number> => {
      const headers = { Authorization: `Bearer ${OPS_TOKEN}` };
      const metrics = await (await fetch(`${service.url}/metrics`, { headers })).text();
      return Number(/budget_used\{budget="DAILY_TOKENS"\} (\d+)/.exec(metrics)?.[1] ?? 0);
    };
    await service.post(QUESTION);
    await vi.waitFor(async () => expect(await used()).toBeGreaterThan(0), QUICK);
    const before = await used();
    const calls = emulator.calls[endpoint];
    // The answer itself costs nothing then.
    emulator.fail({ on: 'responses', fault: { kind: 'status', status: 400 }, times: 5 });
    await service.post({ ...QUESTION, message: 'And when?' });
    expect(emulator.calls[endpoint]).toBeGreaterThan(calls);
    await vi.waitFor(async () => expect(await used()).toBeGreaterThan(before), QUICK);
  });
});
