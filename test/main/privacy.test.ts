import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { boundedCounts } from '../../src/limits/bounded-counts.ts';
import { runMain } from '../helpers/child-service.ts';
import { startBoth, temporaryFolder } from '../helpers/service.ts';

describe('what an upstream says of a failure', () => {
  it.each([
    [
      'an error that repeats the message',
      { kind: 'status', status: 400, message: 'bad: my card is 4111-1111' },
    ],
    ['a page', { kind: 'status', status: 400, body: '<h1>my card is 4111-1111</h1>', html: true }],
  ] as const)('is not in the log at info: %s', async (_, fault) => {
    const { service, emulator } = await startBoth();
    emulator.fail({ on: 'responses', fault });
    await service.post({ user_id: 'ann', message: 'my card is 4111-1111' });
    const shown = service.lines.filter(({ level }) => level !== 'debug' && level !== 'trace');
    expect(shown.find(({ msg }) => msg === 'turn failed')).toMatchObject({
      code: 'upstream_rejected',
      why: { status: 400 },
    });
    expect(JSON.stringify(shown)).not.toContain('4111');
  });
});

describe('the environment', () => {
  it('is not told to an upstream by the SDK', async () => {
    for (const name of ['OPENAI_ORG_ID', 'OPENAI_PROJECT_ID']) vi.stubEnv(name, 'not-for-others');
    onTestFinished(() => void vi.unstubAllEnvs());
    const { service, emulator } = await startBoth();
    await service.post({ user_id: 'ann', message: 'Hello!' });
    expect(JSON.stringify(emulator.requests)).not.toContain('not-for-others');
  });

  it('and the assistant file have all their faults in one message', async () => {
    const file = path.join(await temporaryFolder(), 'assistant.json');
    await writeFile(file, JSON.stringify({ model: 'm', temperature: 'hot' }));
    const child = await runMain({ PORT: 'abc', ASSISTANT_FILE: file });
    expect(await child.ended).toEqual([1, null]);
    expect(child.stderr()).toMatch(/PORT is "abc"[\s\S]*temperature/);
  });
});

describe('a clock that is set back', () => {
  it('locks no address out for longer than a window', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const counts = boundedCounts({ maxKeys: 10 });
    counts.init?.({ windowMs: 60_000 } as never);
    vi.setSystemTime(3_600_000 * 10);
    for (let n = 0; n < 7; n += 1) await counts.increment('a');
    vi.setSystemTime(3_600_000 * 9);
    expect(await counts.increment('a')).toMatchObject({ totalHits: 1 });
  });
});
