import {
  type AppError,
  asAppError,
  internalError,
  logUnavailable,
  outlineOf,
  overloaded,
  shuttingDown,
  upstreamFailed,
  upstreamTimeout,
} from '../errors.ts';
import { createAccept } from './accept.ts';
import { complete, createAnswerFilters, cutTo } from './answer-text.ts';
import type { Chat, ChatDeps, Message } from './chat-api.ts';
import { type CitedAnswer, createCitedAnswer } from './cited-answer.ts';
import { createFindTurn } from './find-turn.ts';
import { historyWindow } from './history-window.ts';
import { asWritten } from './hooks.ts';
import { createOneTurn, keyName } from './idempotency.ts';
import { settleInterrupted } from './interrupted.ts';
import { type OpenTurn, openTurn, type Turn } from './live-turns.ts';
import { type AcceptedMessage, type Exchange, type Visitor, visitorKey } from './model.ts';
import { createRemoteTurns } from './remote-turns.ts';
import { type RunRecorder, recordRun } from './run-recorder.ts';
import type { Accepted } from './store-port.ts';
import { createThreadQueue, type Place } from './thread-queue.ts';
import { DURABLE_WITHIN_MS, untilAborted, within } from './waiting.ts';

/** How long an aborted run may take to unwind before a stop goes on without it. */
const UNWIND_MS = 5_000;
/** The reason of a run that its visitor stopped. Nobody is told of it: what was said is the answer. */
const STOPPED = internalError({ cause: new Error('the visitor stopped the run') });

/** What the store told of the visitor's thread when it accepted the message. */
type Told = Pick<Accepted & { type: 'accepted' }, 'thread' | 'lastSeen'>;

export const createChat = (deps: ChatDeps): Chat => {
  const { backend, store, clock, logger, limits, hooks = {} } = deps;
  const queue = createThreadQueue(limits);
  /** Each turn in flight with what ends it early, and its end. */
  const live = new Map<string, { turn: Turn; abort: (reason: AppError) => void; over: Promise<void> }>();
  const elsewhere = createRemoteTurns({ ...deps, runTimeout: limits.runTimeout, onOver: () => settle() });
  const known = createFindTurn({ ...deps, elsewhere, inFlight: (id) => live.get(id) });
  /** Messages that are being taken: not yet live, but to be waited for. */
  let taking = 0;
  let draining = false;
  /** The time of a stop is over: what becomes live only now ends at once, too. */
  let outOfTime = false;
  let whenIdle: (() => void) | undefined;
  const settle = (): void => {
    if (live.size + taking + elsewhere.count() === 0) whenIdle?.();
  };

  const take = createAccept(deps);

  /** @param message Its `key` is what the store keeps. */
  const begin = async (message: Message): Promise<Turn> => {
    if (draining) throw shuttingDown();
    if (live.size + taking >= limits.maxLiveTurns) throw overloaded();
    const place = queue.enter(visitorKey(message.visitor));
    const deadline = clock.now() + limits.runTimeout;
    taking += 1;
    try {
      const { message: taken, accepted } = await take(message);
      if (accepted.type === 'known') {
        place.leave();
        // Undone in this moment: it can be sent again.
        return (await known.byId(accepted.id)) ?? Promise.reject(logUnavailable());
      }
      const turn = openTurn(taken);
      const controller = new AbortController();
      const abort = (reason: AppError) => controller.abort(reason);
      const mayRun = place.turn.then(() => accepted.mayRun(controller.signal));
      // Those in front, of whom a clear may be one, can still change what the store told.
      const told = place.waits ? {} : accepted;
      const over = runTurn(turn, taken, told, { ...place, turn: mayRun }, controller, deadline).finally(
        () => {
          live.delete(turn.id);
          known.keep(turn);
          settle();
        },
      );
      live.set(turn.id, { turn, abort, over });
      if (outOfTime) abort(shuttingDown());
      return turn;
    } catch (thrown) {
      place.leave();
      throw thrown;
    } finally {
      taking -= 1;
      settle();
    }
  };

  const clear = async (visitor: Visitor): Promise<void> => {
    if (draining) throw shuttingDown();
    const place = queue.enter(visitorKey(visitor));
    taking += 1;
    try {
      await place.turn;
      await store.clear(visitor, limits.clearKeepsLog);
    } finally {
      place.leave();
      taking -= 1;
      settle();
    }
  };

  store.onStopRequested((id) => live.get(id)?.abort(STOPPED));
  const stopElsewhere = async (id: string): Promise<void> => {
    const message = await store.unfinished(id);
    if (!message) return;
    await store.requestStop(id);
    await elsewhere.follow(message).outcome;
  };

  const oneTurn = createOneTurn(known.byKey, hooks.masked);

  const send = async (message: Message): Promise<Turn> => {
    try {
      if (message.key === undefined) return await begin(message);
      const key = keyName(message.visitor, message.key);
      return await oneTurn(key, message.text, () => begin({ ...message, key }));
    } catch (thrown) {
      hooks.onRefused?.(asAppError(thrown).code);
      throw thrown;
    }
  };

  /** Runs a taken message to its end; never rejects. */
  const runTurn = async (
    turn: OpenTurn,
    message: AcceptedMessage,
    told: Told,
    place: Place,
    controller: AbortController,
    deadline: number,
  ): Promise<void> => {
    const timer = setTimeout(() => controller.abort(upstreamTimeout()), Math.max(0, deadline - clock.now()));
    const recorder = recordRun(backend.name, clock.now);
    let failure: AppError | undefined;
    let exchange: Exchange;
    let said: CitedAnswer | undefined;
    try {
      await untilAborted(place.turn, controller.signal);
      recorder.started();
      exchange = {
        ...message,
        ...(await answer(turn, message, told, controller.signal, deadline, recorder, (opened) => {
          said = opened;
        })),
      };
      if (exchange.bot !== null && hooks.isUnanswered?.(exchange.bot))
        exchange = { ...exchange, unanswered: true };
    } catch (thrown) {
      const run = recorder.details();
      if (controller.signal.reason === STOPPED)
        exchange = { ...message, bot: turn.said(), truncated: true, run, ...said?.sources() };
      else {
        failure = asAppError(controller.signal.aborted ? controller.signal.reason : thrown);
        exchange = { ...message, bot: null, error: failure.code, run };
      }
    } finally {
      clearTimeout(timer);
    }
    // The exchange is in the transcript from here on, so the thread's next message may run.
    const written = asWritten(exchange, hooks);
    const finishing = clock.now();
    const kept = store.finish(written);
    place.leave();
    report(exchange, failure);
    if (failure) turn.push({ type: 'error', error: failure });
    try {
      await (failure ? kept : within(DURABLE_WITHIN_MS, kept));
      if (!failure) turn.push({ type: 'done', exchange });
      hooks.onRecorded?.(written, clock.now() - finishing);
    } catch (thrown) {
      const error = asAppError(thrown);
      logger.error({ exchange: turn.id, err: error }, 'the exchange is not durable');
      if (!failure) turn.push({ type: 'error', error });
      // A stop must not leave before the store has had its chance.
      await kept.catch(() => undefined);
    }
  };

  /** The visitor's thread, unless it has rested so long that the upstream may have dropped it. */
  const usableThread = async (visitor: Visitor, now: number, told: Told) => {
    const thread = told.thread === undefined ? await store.thread(visitor) : told.thread;
    if (!thread) return undefined;
    const lastSeen =
      told.lastSeen === undefined ? (await store.recent(visitor, { limit: 1 }))[0]?.timestamp : told.lastSeen;
    const idle = lastSeen === undefined || lastSeen === null ? 0 : (now - lastSeen) * 1000;
    return idle > limits.threadIdle ? undefined : thread;
  };

  const newFilter = createAnswerFilters();

  const answer = async (
    turn: OpenTurn,
    message: AcceptedMessage,
    told: Told,
    signal: AbortSignal,
    deadline: number,
    recorder: RunRecorder,
    onOpen: (opened: CitedAnswer) => void,
  ) => {
    const { visitor } = message;
    const refused = await hooks.screen?.(message.user, signal);
    if (refused) {
      turn.push({ type: 'delta', text: refused.answer });
      return { bot: refused.answer, flagged: refused.flagged };
    }
    const previous = async () => (await store.recent(visitor, { limit: 1 }))[0];
    const quoted = await hooks.quote?.({ message: message.user, previous }, signal);
    const text = createCitedAnswer(newFilter, quoted?.citable ?? []);
    onOpen(text);
    /** @returns Whether the answer is longer than any may be. */
    const say = (text: string): boolean => {
      if (text === '') return false;
      const piece = cutTo(limits.answerMaxChars - turn.said().length, text);
      if (piece !== '') turn.push({ type: 'delta', text: piece });
      recorder.spoke();
      return piece.length < text.length;
    };
    const run = backend.run({
      exchangeId: message.id,
      visitor,
      verified: visitor.kind === 'verified',
      message: hooks.maskedForUpstream?.(message.user) ?? message.user,
      ...(quoted ? { context: quoted.context } : {}),
      thread: await usableThread(visitor, message.timestamp, told),
      history: (maxChars = limits.historyMaxChars) =>
        historyWindow(store, visitor, Math.min(maxChars, limits.historyMaxChars)),
      signal,
      deadline,
    });
    for await (const event of run) {
      if (event.type === 'asked') {
        recorder.asked(event.backend, event.model);
        text.from(`${event.backend} ${event.model ?? ''}`);
      } else if (event.type === 'thread') store.setThread(visitor, event.thread);
      else if (event.type === 'called') recorder.called(event.names);
      else if (event.type === 'cited') say(text.cite(event.source));
      else if (event.type === 'delta') {
        if (!say(text.push(event.text))) continue;
        return { ...complete(turn.said(), { truncated: true }), ...text.sources(), run: recorder.details() };
      } else {
        const isCut = say(text.end());
        const end = isCut ? { ...event, truncated: true } : event;
        const { text: answer, ...sources } = text.whole(turn.said());
        return { ...complete(answer, end), ...sources, run: recorder.details(event.model) };
      }
    }
    throw upstreamFailed({ cause: new Error(`the ${backend.name} backend ended a run without its end`) });
  };

  const report = (exchange: Exchange, failure: AppError | undefined): void => {
    const fields = {
      exchange: exchange.id,
      visitor: exchange.visitor.kind,
      ms: exchange.run?.totalMs,
      usage: exchange.usage,
    };
    if (!failure) logger.info(fields, 'answered');
    else {
      logger.warn({ ...fields, code: failure.code, why: outlineOf(failure.cause) }, 'not answered');
      logger.debug({ exchange: exchange.id, err: failure.cause }, 'why it was not answered');
    }
  };

  return {
    send,
    clear,
    turn: known.byId,
    stop: async (id) => {
      const running = live.get(id);
      running?.abort(STOPPED);
      await within(UNWIND_MS, running?.over ?? stopElsewhere(id)).catch(() => undefined);
    },
    settleInterrupted: () => settleInterrupted(deps),
    drain: async (timeout) => {
      draining = true;
      const { promise: idle, resolve } = Promise.withResolvers<void>();
      whenIdle = resolve;
      settle();
      await within(timeout, idle).catch(async () => {
        outOfTime = true;
        elsewhere.stop();
        for (const { abort } of live.values()) abort(shuttingDown());
        await within(UNWIND_MS, idle).catch(() => undefined);
      });
    },
    isDraining: () => draining,
    liveTurns: () => live.size,
  };
};
