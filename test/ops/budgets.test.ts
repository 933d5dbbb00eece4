import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { until } from '../helpers/events.ts';
import { startService, upstreamEnv } from '../helpers/service.ts';
import { OPS_TOKEN, startOps } from './helper.ts';

const usage = z.object({ usage: z.object({ input: z.number(), output: z.number() }) });

/** What a first message costs, in tokens: the emulator counts the same each time. */
const tokensOfOne = async (): Promise<number> => {
  const { service } = await startOps();
  await service.post({ user_id: 'ada', message: 'Hello' });
  const { input, output } = usage.parse((await service.finalLog()).ada?.[0]).usage;
  return input + output;
};

const refusalOf = async (
  answer: Promise<{ status: number; headers: Headers; body: { error?: { code: string } | undefined } }>,
) => {
  const { status, headers, body } = await answer;
  return { status, code: body.error?.code, retryAfter: Number(headers.get('retry-after')) };
};
const SPENT = {
  status: 429,
  code: 'budget_spent',
  retryAfter: expect.toSatisfy((s: number) => s > 0 && s <= 90_000),
};

describe('DAILY_TOKENS', () => {
  it('warns at 80 % in log and page, and refuses at the end, also after a restart', async () => {
    const one = await tokensOfOne();
    const DAILY_TOKENS = String(Math.ceil(one / 0.9));
    const { service, emulator, page } = await startOps({ DAILY_TOKENS });
    expect((await service.post({ user_id: 'ada', message: 'Hello' })).status).toBe(200);
    await until(
      () => service.lines.some(({ msg }) => msg === '80 % of DAILY_TOKENS are used'),
      'the warning',
    );
    expect(await page('/ops')).toContain('DAILY_TOKENS');
    // There is a little left.
    expect((await service.post({ user_id: 'bob', message: 'Hello' })).status).toBe(200);
    const calls = emulator.calls.responses;
    expect(await refusalOf(service.post({ user_id: 'cyd', message: 'Hello' }))).toEqual(SPENT);
    expect(emulator.calls.responses).toBe(calls);
    expect(service.lines.filter(({ msg }) => msg === '80 % of DAILY_TOKENS are used')).toHaveLength(1);
    await service.stop();
    const again = await startService({
      ...upstreamEnv(emulator),
      OPS_TOKEN,
      DAILY_TOKENS,
      DATA_DIR: service.dir,
    });
    expect(await refusalOf(again.post({ user_id: 'dan', message: 'Hello' }))).toEqual(SPENT);
  });

  it('is overshot by what is in flight, and by no more', async () => {
    const { service, emulator } = await startOps({ DAILY_TOKENS: '1' });
    const held = emulator.fail({ on: 'responses', times: 3, fault: { kind: 'hold' } });
    const inFlight = ['ada', 'bob', 'cyd'].map((user_id) => service.post({ user_id, message: 'Hello' }));
    await until(() => held.holds === 3, 'three answers are being generated');
    held.release();
    expect((await Promise.all(inFlight)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await refusalOf(service.post({ user_id: 'dan', message: 'Hello' }))).toEqual(SPENT);
  });
});

describe('DAILY_TOKENS_PER_VISITOR', () => {
  it('refuses the visitor who has spent its share, and nobody else', async () => {
    const { service } = await startOps({ DAILY_TOKENS_PER_VISITOR: '1' });
    expect((await service.post({ user_id: 'ada', message: 'Hello' })).status).toBe(200);
    expect(await refusalOf(service.post({ user_id: 'ada', message: 'Hello' }))).toEqual(SPENT);
    expect((await service.post({ user_id: 'bob', message: 'Hello' })).status).toBe(200);
  });
});

describe('DAILY_COST', () => {
  it('counts by the price of the model, in and out, and shows it on the page', async () => {
    const { service, page } = await startOps({ PRICES: 'gpt-6-luna=1/100000,*=0/0', DAILY_COST: '0.01' });
    expect((await service.post({ user_id: 'ada', message: 'Hello' })).status).toBe(200);
    expect(await refusalOf(service.post({ user_id: 'bob', message: 'Hello' }))).toEqual(SPENT);
    expect(await page('/ops')).toContain('DAILY_COST');
  });

  it('spends nothing where the price is nothing', async () => {
    const { service } = await startOps({ PRICES: 'gpt-6-luna=0/0', DAILY_COST: '0.01' });
    for (let n = 0; n < 3; n++) {
      expect((await service.post({ user_id: 'ada', message: 'Hello' })).status).toBe(200);
    }
  });
});
