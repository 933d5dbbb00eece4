import type { ChatAnswer } from '../protocol/chat.ts';
import { type Api, Refused } from './api.ts';
import { readEvents, type StreamEvent } from './read-events.ts';
import type { Session } from './session.ts';
import { eitherOf } from './signals.ts';
import type { Memory } from './storage.ts';
import { type Failure, parseJson, readAnswer, readFailure } from './wire.ts';

/** A message on its way, and what is known of its answer: enough to go on with it from another page. */
export interface TurnState {
  /** Its idempotency key. */
  readonly key: string;
  readonly message: string;
  /** The exchange's id, once the service has accepted the message. */
  id?: string | undefined;
  /** The id of the last event that was read. */
  last?: string | undefined;
}

export interface TurnListener {
  onAccepted(): void;
  onDelta(text: string): void;
  /** The connection is gone (true), or there again. */
  onWaiting(isWaiting: boolean): void;
}

export interface TurnDeps {
  readonly api: Api;
  readonly session: Session;
  /** Of this tab: remembers that something on the way holds streams back. */
  readonly memory: Memory;
}

/** The turn itself failed, or was refused for good. */
export class TurnFailed extends Error {
  readonly failure: Failure;
  readonly retryAfter: number | undefined;
  constructor(failure: Failure, retryAfter?: number) {
    super(failure.code);
    this.failure = failure;
    this.retryAfter = retryAfter;
  }
}

/** The service says that it has accepted a message at once: so long without a word, and something on the way holds it back. */
const HELD_BACK_MS = 6_000;
/** The service is never silent for longer than 15 s. */
const SILENCE_MS = 35_000;
/** Tries without any progress; their waits double from 400 ms to 8 s. */
const MAX_TRIES = 7;
/** Refusals that pass by themselves. */
const PASSING = ['shutting_down', 'overloaded', 'log_unavailable', 'thread_busy'];
/** Reading on has a limit of its own; it is waited for, if it is not too long. */
const MAX_WAIT_S = 65;

const wait = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      window.removeEventListener('online', end);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    window.addEventListener('online', end);
    signal.addEventListener('abort', end);
  });

/** Aborts what it watches when nothing happens for too long. */
const watchdog = (outer: AbortSignal) => {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  return {
    signal: eitherOf(outer, controller.signal),
    expect: (ms: number): void => {
      clearTimeout(timer);
      timer = setTimeout(() => controller.abort(), ms);
    },
    stop: (): void => clearTimeout(timer),
  };
};

/**
 * Sends a message and reads its answer to the end: over cut connections, restarts and proxies that hold streams back,
 * without sending the message twice and without reading a word twice.
 * @throws TurnFailed; an AbortError-like error where `signal` ends it.
 */
export const runTurn = async (
  turn: TurnState,
  listener: TurnListener,
  signal: AbortSignal,
  { api, session, memory }: TurnDeps,
): Promise<ChatAnswer> => {
  let tries = 0;
  let closed = 0;
  let isHeldBack = memory.get('held-back') !== undefined;

  const post = async (accept: string, within: AbortSignal): Promise<Response> =>
    api.call('/api/chat', {
      method: 'POST',
      token: await session.ensure(),
      body: { message: turn.message },
      headers: { Accept: accept, 'Idempotency-Key': turn.key },
      signal: within,
    });

  const readOn = async (id: string, within: AbortSignal): Promise<Response> =>
    api.call(`/api/chat/${id}/events`, {
      token: await session.current(),
      headers: { Accept: 'text/event-stream', ...(turn.last ? { 'Last-Event-ID': turn.last } : {}) },
      signal: within,
    });

  const takeAnswer = (fields: Record<string, unknown>): ChatAnswer => {
    const answer = readAnswer(fields);
    if (!answer) throw new TurnFailed({ code: 'unknown', message: '' });
    if (answer.session_token) session.take(answer.session_token);
    return answer;
  };

  /** @returns The answer when the event ends the turn. */
  const onEvent = ({ name, id, data }: StreamEvent): ChatAnswer | undefined => {
    const fields = parseJson(data);
    tries = 0;
    if (id) turn.last = id;
    if (name === 'accepted' && typeof fields.id === 'string') {
      turn.id = fields.id;
      if (typeof fields.session_token === 'string') session.take(fields.session_token);
      listener.onAccepted();
    }
    if (name === 'delta' && typeof fields.text === 'string') listener.onDelta(fields.text);
    if (name === 'error') throw new TurnFailed(readFailure(fields));
    return name === 'done' ? takeAnswer(fields) : undefined;
  };

  /** @returns undefined where the stream was cut off. */
  const stream = async (): Promise<ChatAnswer | undefined> => {
    const dog = watchdog(signal);
    try {
      dog.expect(turn.id ? SILENCE_MS : HELD_BACK_MS);
      const response = await (turn.id ? readOn(turn.id, dog.signal) : post('text/event-stream', dog.signal));
      listener.onWaiting(false);
      if (!response.body || !response.headers.get('Content-Type')?.startsWith('text/event-stream')) {
        dog.stop();
        return takeAnswer(parseJson(await response.text()));
      }
      let answer: ChatAnswer | undefined;
      await readEvents(
        response.body,
        (event) => {
          answer ??= onEvent(event);
        },
        () => dog.expect(SILENCE_MS),
      );
      return answer;
    } catch (thrown) {
      // Not one byte, and nobody has ended it: streams do not come through here. The same message, asked for as JSON, is
      // the same exchange.
      if (dog.signal.aborted && !signal.aborted && turn.last === undefined) {
        isHeldBack = true;
        memory.set('held-back', '1');
      }
      throw thrown;
    } finally {
      dog.stop();
    }
  };

  const asJson = async (): Promise<ChatAnswer> => {
    const response = await post('application/json', signal);
    listener.onWaiting(false);
    return takeAnswer(parseJson(await response.text()));
  };

  for (;;) {
    let pause: number | undefined;
    try {
      const answer = await (isHeldBack && !turn.id ? asJson() : stream());
      if (answer) return answer;
    } catch (thrown) {
      if (thrown instanceof TurnFailed || signal.aborted) throw thrown;
      if (thrown instanceof Refused) {
        const { failure, status, retryAfter } = thrown;
        const isReading = turn.id !== undefined;
        // Without a code of ours it was a proxy that could not reach the service.
        const isFromProxy = failure.code === 'unknown' && status >= 502;
        const passes = PASSING.includes(failure.code) || (isReading && status === 429) || isFromProxy;
        if (isReading && status === 404) {
          // Nobody knows the exchange any more; the same message under the same key is good wherever it went.
          turn.id = undefined;
          turn.last = undefined;
        } else if (!passes || (retryAfter ?? 0) > MAX_WAIT_S) throw new TurnFailed(failure, retryAfter);
        if (retryAfter !== undefined) pause = retryAfter * 1000;
      } else if (turn.id === undefined && navigator.onLine && tries < 3) {
        // Twice in a row, so that a service that has just come back is not taken for one that is closed to this page.
        closed = (await api.isClosedToUs()) ? closed + 1 : 0;
        if (closed > 1) throw new TurnFailed({ code: 'origin_not_allowed', message: '' });
      }
    }
    tries += 1;
    if (tries > MAX_TRIES) throw new TurnFailed({ code: 'connection_lost', message: '' });
    listener.onWaiting(tries > 1 || !navigator.onLine);
    // An offline browser says when it is back; looking more often would only cost battery.
    await wait(pause ?? (navigator.onLine ? Math.min(8_000, 200 * 2 ** tries) : 30_000), signal);
    if (signal.aborted) throw new DOMException('ended', 'AbortError');
  }
};
