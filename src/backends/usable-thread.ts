import { APIError } from 'openai';
import type { UpstreamThread } from '../chat/model.ts';
import { isContextFull } from './failures.ts';
import { pause } from './retry.ts';
import type { RoundEvent } from './tool-rounds.ts';

const FIRST_LOCK_WAIT_MS = 250;
const LONGEST_LOCK_WAIT_MS = 2_000;

/** The part of the transcript that a thread is told which is made because the model's context was full. */
const SHARE_AFTER_FULL = 0.5;

/**
 * What an attempt reports. `made`: a thread was made that has not been told all yet. A retry goes on with it, but
 * it is not the visitor's before its `thread` event.
 */
type AttemptEvent = RoundEvent | { readonly type: 'made'; readonly thread: string };

interface ThreadRules {
  /** The visitor's thread, if there is one, whoever made it. */
  readonly known: UpstreamThread | undefined;
  /** What makes threads here: one that another made is not used. */
  readonly madeBy: string;
  /** How long a locked thread is waited for, in milliseconds. */
  readonly lockWait: number;
  readonly signal: AbortSignal;
  /** The upstream does not know the thread, or it cannot go on. */
  readonly isGone: (error: APIError) => boolean;
  /** Something else runs on the thread. */
  readonly isLocked: (error: APIError) => boolean;
  /** Tries to end what runs on a locked thread. Its failure is no matter: the wait goes on. */
  readonly unlock?: (error: APIError, thread: string) => Promise<unknown>;
  /**
   * Runs on the thread, or on a new one, which it tells so much of the transcript (0 to 1) and reports with a
   * `thread` event as soon as it has been told.
   */
  readonly attempt: (thread: string | undefined, share: number) => AsyncIterable<AttemptEvent>;
}

/**
 * Runs on a thread that can be used: the known one, or one made anew from the transcript where there is none,
 * where another backend made it, where the upstream does not know it any more, where it stays locked, or where
 * the model's context is full. Makes at most one a message. What it returns can be called again, for a retry, and
 * then goes on with the thread that the call before it made.
 */
export const onUsableThread = (rules: ThreadRules): (() => AsyncIterable<RoundEvent>) => {
  let thread = rules.known?.madeBy === rules.madeBy ? rules.known.id : undefined;
  let replaced = thread === undefined;
  let share = 1;
  let waitUntil: number | undefined;

  const replace = (): boolean => {
    if (replaced) return false;
    replaced = true;
    thread = undefined;
    return true;
  };

  return async function* run() {
    for (let wait = FIRST_LOCK_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_LOCK_WAIT_MS)) {
      let spoke = false;
      try {
        for await (const event of rules.attempt(thread, share)) {
          if (event.type === 'made') {
            thread = event.thread;
            continue;
          }
          if (event.type === 'thread') thread = event.thread.id;
          spoke ||= event.type === 'delta';
          yield event;
        }
        return;
      } catch (thrown) {
        if (isContextFull(thrown) && !spoke && replace()) {
          share = SHARE_AFTER_FULL;
          continue;
        }
        if (!(thrown instanceof APIError) || thread === undefined) throw thrown;
        const locked = rules.isLocked(thrown);
        if (locked && waitUntil === undefined) {
          waitUntil = Date.now() + rules.lockWait;
          await rules.unlock?.(thrown, thread).catch(() => undefined);
        }
        if (locked && Date.now() + wait <= (waitUntil ?? 0)) await pause(wait, rules.signal);
        else if (!(locked || rules.isGone(thrown)) || !replace()) throw thrown;
      }
    }
  };
};
