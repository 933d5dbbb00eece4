import { APIError } from 'openai';
import type { UpstreamThread } from '../chat/model.ts';
import { isContextFull } from './overflow.ts';
import { pause } from './retry.ts';
import type { ToldHistory } from './told-history.ts';
import type { RoundEvent } from './tool-rounds.ts';
import { mayBeTheThread } from './upstream-fault.ts';

const FIRST_LOCK_WAIT_MS = 250;
const LONGEST_LOCK_WAIT_MS = 2_000;

/**
 * What an attempt reports. `made`: a thread was made that has not been sent all yet. A retry goes on with it, but
 * it is not the visitor's before its `thread` event.
 */
type AttemptEvent = RoundEvent | { readonly type: 'made'; readonly thread: string };

interface ThreadRules {
  /** The visitor's thread, if there is one, whoever made it. */
  readonly known: UpstreamThread | undefined;
  /** What makes threads here: one that another made is not used. */
  readonly madeBy: string;
  /** What a new thread is sent. */
  readonly history: ToldHistory;
  /** How long a locked thread is waited for, in milliseconds. */
  readonly lockWait: number;
  readonly signal: AbortSignal;
  /** Something else runs on the thread. */
  readonly isLocked: (error: APIError) => boolean;
  /** Tries to end what runs on a locked thread. Its failure is ignored: the wait goes on. */
  readonly unlock: (error: APIError, thread: string) => Promise<unknown>;
  /** What is refused, in words of the wire's own, for another reason than the thread. */
  readonly isNotTheThread: (error: APIError) => boolean;
  /** A thread that was made in this turn is not used after all. */
  readonly discard: (thread: string) => void;
  /** Runs on the thread, or on a new one, which it reports with a `thread` event as soon as it has been sent all. */
  readonly attempt: (thread: string | undefined) => AsyncIterable<AttemptEvent>;
}

/**
 * Runs on a thread that can be used: the known one, or one rebuilt from the transcript where there is none,
 * where another backend made it, where the upstream does not know it any more or calls it broken, where it stays locked,
 * or where the model's context is full. Makes one a message at most, but for a full context, which is answered with
 * ever less of the transcript. What it returns can be called again, for a retry, and then goes on with the thread that
 * the call before it made.
 */
export const onUsableThread = (rules: ThreadRules): (() => AsyncIterable<RoundEvent>) => {
  const { history } = rules;
  let thread = rules.known?.madeBy === rules.madeBy ? rules.known.id : undefined;
  let isReplaced = thread === undefined;
  let waitUntil: number | undefined;

  const replace = (): true => {
    if (isReplaced && thread !== undefined) rules.discard(thread);
    isReplaced = true;
    thread = undefined;
    return true;
  };

  /** Whether the thread was replaced, or is worth another try as it is. */
  const repair = async (thrown: unknown, wait: number): Promise<boolean> => {
    const error = thrown instanceof APIError ? thrown : undefined;
    if (error && thread !== undefined && rules.isLocked(error)) {
      if (waitUntil === undefined) {
        waitUntil = Date.now() + rules.lockWait;
        await rules.unlock(error, thread).catch(() => undefined);
      }
      if (Date.now() + wait > waitUntil) return !isReplaced && replace();
      await pause(wait, rules.signal);
      return true;
    }
    if (await history.shorten(thrown)) return replace();
    if (isReplaced) return false;
    const isTheThread = error !== undefined && !rules.isNotTheThread(error) && mayBeTheThread(error);
    return (isTheThread || isContextFull(thrown)) && replace();
  };

  return async function* run() {
    for (let wait = FIRST_LOCK_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_LOCK_WAIT_MS)) {
      let spoke = false;
      try {
        for await (const event of rules.attempt(thread)) {
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
        if (spoke || !(await repair(thrown, wait))) throw thrown;
      }
    }
  };
};
