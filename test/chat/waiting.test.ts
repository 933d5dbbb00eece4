import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { untilAborted, within } from '../../src/chat/waiting.ts';

const never = new Promise<void>(() => undefined);
const reason = new Error('enough');

describe('waiting for a promise or an abort', () => {
  it('ends with the reason of a signal that is aborted, now or before', async () => {
    await expect(untilAborted(never, AbortSignal.abort(reason))).rejects.toBe(reason);
    const controller = new AbortController();
    const waiting = untilAborted(never, controller.signal);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });

  it('settles as the promise does, and leaves no listener on the signal', async () => {
    const { signal } = new AbortController();
    await untilAborted(Promise.resolve(), signal);
    await expect(untilAborted(Promise.reject(reason), signal)).rejects.toBe(reason);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('waiting for so long', () => {
  it('gives what the promise gives, or says that the log is not available', async () => {
    expect(await within(10_000, Promise.resolve('here'))).toBe('here');
    await expect(within(10_000, Promise.reject(reason))).rejects.toBe(reason);
    await expect(within(1, never)).rejects.toMatchObject({ code: 'log_unavailable' });
  });
});
