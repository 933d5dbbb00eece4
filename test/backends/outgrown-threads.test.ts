import { describe, expect, it } from 'vitest';
import { BACKENDS, startBoth, startService, upstreamEnv } from '../helpers/service.ts';

/** Answers with as much as it is told, so that each exchange has 200 characters. */
const answer = () => 'y'.repeat(100);
const say = (n: number) => `${n} `.padEnd(100, 'x');
/** Five exchanges fit; at more than ten the thread is rebuilt. */
const env = { HISTORY_MAX_CHARS: '1000' };

describe.each(['responses', 'assistants'] as const)('a thread at %s that grows', (backend) => {
  it('is rebuilt at twice HISTORY_MAX_CHARS, told the last of it, and the old one is deleted', async () => {
    const { service, emulator } = await startBoth({ backend, env, emulator: { answer } });
    for (let n = 1; n <= 10; n += 1) await service.post({ user_id: 'ann', message: say(n) });
    expect(emulator.threads).toBe(1);
    // 2,000 characters are twice as much, and not more yet.
    await service.post({ user_id: 'ann', message: say(11) });
    expect(emulator.threads).toBe(1);
    const deleted = emulator.next(backend === 'responses' ? 'conversations.delete' : 'threads.delete');
    const { status } = await service.post({ user_id: 'ann', message: say(12) });
    expect(status).toBe(200);
    await deleted;
    expect(emulator.threads).toBe(1);
    const told = JSON.stringify(
      emulator.requests.findLast(({ body }) => JSON.stringify(body ?? null).includes('11 xxx'))?.body,
    );
    expect(told).toContain('7 xxx');
    expect(told).not.toContain('"6 xxx');
    // It starts again from the five that it was told.
    for (let n = 13; n <= 16; n += 1) await service.post({ user_id: 'ann', message: say(n) });
    const before = emulator.calls.total;
    await service.post({ user_id: 'ann', message: say(17) });
    expect(emulator.calls.total - before).toBe(1);
  });

  it('is counted right by a process that did not see it grow', async () => {
    const { service, emulator } = await startBoth({ backend, env, emulator: { answer } });
    for (let n = 1; n <= 12; n += 1) await service.post({ user_id: 'ann', message: say(n) });
    // Rebuilt with the twelfth: five were told, and one has come.
    await service.stop();
    const again = await startService({ ...upstreamEnv(emulator, backend), ...env, DATA_DIR: service.dir });
    const made = () => emulator.calls.conversations + emulator.calls.runs;
    const calls: number[] = [];
    for (let n = 13; n <= 18; n += 1) {
      const before = made() + emulator.calls.responses;
      await again.post({ user_id: 'ann', message: say(n) });
      calls.push(made() + emulator.calls.responses - before);
    }
    // 1,200 held: the thread goes on with the thirteenth to the sixteenth, and the seventeenth finds 2,000.
    expect(calls.slice(0, 5)).toEqual([1, 1, 1, 1, 1]);
    expect(emulator.threads).toBe(1);
    if (backend === 'responses') expect(calls[5]).toBe(2);
  });
});

describe.each(BACKENDS)('the input of a run at %s', (backend) => {
  it('stays bounded over a hundred messages', async () => {
    const { service, emulator } = await startBoth({ backend, env, emulator: { answer, record: 500 } });
    for (let n = 1; n <= 100; n += 1) await service.post({ user_id: 'ann', message: say(n) });
    const usage = (await service.finalLog()).ann?.map((exchange) => exchange.usage);
    const inputs = usage?.map((one) =>
      one instanceof Object && 'input' in one ? Number(one.input) : Number.NaN,
    );
    // Four characters a token: twice HISTORY_MAX_CHARS, and this message.
    expect(Math.max(...(inputs ?? [Number.NaN]))).toBeLessThan((2 * 1000 + 400) / 4 + 50);
    expect(emulator.threads).toBe(backend === 'completions' ? 0 : 1);
  });
});
