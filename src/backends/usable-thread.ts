import { APIError } from 'openai';
import type { RunEvent } from '../chat/ports.ts';
import { pause } from './retry.ts';

const FIRST_LOCK_WAIT_MS = 250;
const LONGEST_LOCK_WAIT_MS = 2_000;

interface ThreadRules {
  /** The visitor's thread, if there is one. */
  readonly known: string | undefined;
  /** How long a locked thread is waited for, in milliseconds. */
  readonly lockWait: number;
  readonly signal: AbortSignal;
  /** The upstream does not know the thread. */
  readonly isGone: (error: APIError) => boolean;
  /** Something else runs on the thread. */
  readonly isLocked: (error: APIError) => boolean;
  /** Tries to end what runs on a locked thread. Its failure is no matter: the wait goes on. */
  readonly unlock?: (error: APIError, thread: string) => Promise<unknown>;
  /** Runs on the thread, or on a new one, which it reports with a `thread` event as soon as it has it. */
  readonly attempt: (thread: string | undefined) => AsyncIterable<RunEvent>;
}

/**
 * Runs on a thread that can be used: the known one, or a new one where there is none, where the upstream does
 * not know it any more, or where it stays locked. Replaces a thread at most once. What it returns can be called
 * again, for a retry, and then goes on with the thread that the call before it made.
 */
export const onUsableThread = (rules: ThreadRules): (() => AsyncIterable<RunEvent>) => {
  let thread = rules.known;
  let replaced = thread === undefined;
  let waitUntil: number | undefined;

  return async function* run() {
    for (let wait = FIRST_LOCK_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_LOCK_WAIT_MS)) {
      try {
        for await (const event of rules.attempt(thread)) {
          if (event.type === 'thread') thread = event.id;
          yield event;
        }
        return;
      } catch (thrown) {
        if (!(thrown instanceof APIError) || thread === undefined) throw thrown;
        const locked = rules.isLocked(thrown);
        if (locked && waitUntil === undefined) {
          waitUntil = Date.now() + rules.lockWait;
          await rules.unlock?.(thrown, thread).catch(() => undefined);
        }
        if (locked && Date.now() + wait <= (waitUntil ?? 0)) {
          await pause(wait, rules.signal);
        } else if (!replaced && (locked || rules.isGone(thrown))) {
          replaced = true;
          thread = undefined;
        } else throw thrown;
      }
    }
  };
};
