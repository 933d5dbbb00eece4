import { setTimeout as sleep } from 'node:timers/promises';
import { classify } from './classify-fault.ts';

const ATTEMPTS = 3;
const FIRST_WAIT_MS = 500;
/** The longest wait that an upstream may ask for. */
const LONGEST_WAIT_MS = 20_000;

/** A wait that ends with the signal's reason. */
export const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    throw signal.reason;
  }
};

/**
 * Runs `attempt`, and runs it again (three times in all) where it fails in a way that passes, but never after
 * its first delta: a retry then would say the answer twice. Waits as the upstream asks (`Retry-After`), else
 * exponentially with jitter; gives up at once where the wait would go past the deadline.
 *
 * It stands here and not in the SDK because a run can fail inside its stream, which the SDK does not retry,
 * and because the waits share the deadline of the turn.
 * @throws AppError
 */
export async function* retried<Event extends { readonly type: string }>(
  attempt: () => AsyncIterable<Event>,
  { signal, deadline }: { signal: AbortSignal; deadline: number },
): AsyncIterable<Event> {
  for (let count = 1; ; count += 1) {
    let spoke = false;
    try {
      for await (const event of attempt()) {
        spoke ||= event.type === 'delta';
        yield event;
      }
      return;
    } catch (thrown) {
      signal.throwIfAborted();
      const { error, transient, waitMs } = classify(thrown);
      const backoff = FIRST_WAIT_MS * 2 ** (count - 1) * (0.75 + Math.random() / 2);
      const wait = waitMs ?? backoff;
      const inTime = wait <= LONGEST_WAIT_MS && Date.now() + wait < deadline;
      if (spoke || !transient || count === ATTEMPTS || !inTime) throw error;
      await pause(wait, signal);
    }
  }
}
