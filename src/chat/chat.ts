import {
  type AppError,
  asAppError,
  internalError,
  logUnavailable,
  outlineOf,
  overloaded,
  shuttingDown,
  upstreamTimeout,
} from '../errors.ts';
import { createAccept } from './accept.ts';
import { createAnswer, type ToldOnAccept } from './answer-message.ts';
import type { Chat, ChatDeps, Message } from './chat-api.ts';
import type { CitedAnswer } from './cited-answer.ts';
import { createFindTurn } from './find-turn.ts';
import { asWritten } from './hooks.ts';
import { createOneTurn, keyName } from './idempotency.ts';
import { settleInterrupted } from './interrupted.ts';
import { type OpenTurn, openTurn, type Turn } from './live-turns.ts';
import { type AcceptedMessage, type Exchange, type Visitor, visitorKey } from './model.ts';
import { createRemoteTurns } from './remote-turns.ts';
import { recordRun } from './run-recorder.ts';
import { createThreadQueue, type QueueSlot } from './thread-queue.ts';
import { DURABLE_WITHIN_MS, untilAborted, within } from './waiting.ts';

/** How long an aborted run may take to unwind before a stop goes on without it. */
const UNWIND_MS = 5_000;
/** The reason of a run that its visitor stopped. Nobody is told of it: what was said is the answer. */
const STOPPED = internalError({ cause: new Error('the visitor stopped the run') });

export const createChat = (deps: ChatDeps): Chat => {
  const { backend, store, clock, logger, limits, hooks = {} } = deps;
  const queue = createThreadQueue(limits);
  /** Each turn in flight with what ends it early, and its end. */
  const live = new Map<string, { turn: Turn; abort: (reason: AppError) => void; over: Promise<void> }>();
  const remoteTurns = createRemoteTurns({ ...deps, runTimeout: limits.runTimeout, onOver: () => settle() });
  const turns = createFindTurn({ ...deps, remoteTurns, inFlight: (id) => live.get(id) });
  /** Messages that are being accepted: not yet live, but to be waited for. */
  let accepting = 0;
  let draining = false;
  /** The time of a stop is over: what becomes live only now ends at once, too. */
  let outOfTime = false;
  let whenIdle: (() => void) | undefined;
  const settle = (): void => {
    if (live.size + accepting + remoteTurns.count() === 0) whenIdle?.();
  };

  const accept = createAccept(deps);
  const answer = createAnswer(deps);

  /** @param message Its `key` is what the store keeps. */
  const startTurn = async (message: Message): Promise<Turn> => {
    if (draining) throw shuttingDown();
    if (live.size + accepting >= limits.maxLiveTurns) throw overloaded();
    const slot = queue.enter(visitorKey(message.visitor));
    const deadline = clock.now() + limits.runTimeout;
    accepting += 1;
    try {
      const { message: recorded, accepted } = await accept(message);
      if (accepted.type === 'known') {
        slot.leave();
        // Undone in this moment: it can be sent again.
        return (await turns.byId(accepted.id)) ?? Promise.reject(logUnavailable());
      }
      const turn = openTurn(recorded);
      const controller = new AbortController();
      const abort = (reason: AppError) => controller.abort(reason);
      const mayRun = slot.turn.then(() => accepted.mayRun(controller.signal));
      // Those in front, of whom a clear may be one, can still change what the store told.
      const told = slot.waits ? {} : accepted;
      const over = runTurn(turn, recorded, told, { ...slot, turn: mayRun }, controller, deadline).finally(
        () => {
          live.delete(turn.id);
          turns.keep(turn);
          settle();
        },
      );
      live.set(turn.id, { turn, abort, over });
      if (outOfTime) abort(shuttingDown());
      return turn;
    } catch (thrown) {
      slot.leave();
      throw thrown;
    } finally {
      accepting -= 1;
      settle();
    }
  };

  const alone = async <T>(visitor: Visitor, work: () => Promise<T>): Promise<T> => {
    if (draining) throw shuttingDown();
    const slot = queue.enter(visitorKey(visitor));
    accepting += 1;
    try {
      await slot.turn;
      return await work();
    } finally {
      slot.leave();
      accepting -= 1;
      settle();
    }
  };

  const clear = async (visitor: Visitor): Promise<void> => {
    const left = await alone(visitor, async () => {
      const thread = await store.thread(visitor);
      await store.clear(visitor, limits.clearKeepsLog);
      return thread;
    });
    if (left) hooks.onThreadLeft?.(left);
  };

  store.onStopRequested((id) => live.get(id)?.abort(STOPPED));
  const stopElsewhere = async (id: string): Promise<void> => {
    const message = await store.unfinished(id);
    if (!message) return;
    await store.requestStop(id);
    await remoteTurns.follow(message).outcome;
  };

  const oneTurn = createOneTurn(turns.byKey, hooks.masked);

  const send = async (message: Message): Promise<Turn> => {
    try {
      if (message.key === undefined) return await startTurn(message);
      const key = keyName(message.visitor, message.key);
      return await oneTurn(key, message.text, () => startTurn({ ...message, key }));
    } catch (thrown) {
      hooks.onRefused?.(asAppError(thrown).code);
      throw thrown;
    }
  };

  /** Runs an accepted message to its end; never rejects. */
  const runTurn = async (
    turn: OpenTurn,
    message: AcceptedMessage,
    told: ToldOnAccept,
    slot: QueueSlot,
    controller: AbortController,
    deadline: number,
  ): Promise<void> => {
    const timer = setTimeout(() => controller.abort(upstreamTimeout()), Math.max(0, deadline - clock.now()));
    const recorder = recordRun(backend.name, clock.now);
    let failure: AppError | undefined;
    let exchange: Exchange;
    let said: CitedAnswer | undefined;
    try {
      await untilAborted(slot.turn, controller.signal);
      recorder.started();
      exchange = {
        ...message,
        ...(await answer({
          turn,
          message,
          told,
          signal: controller.signal,
          deadline,
          recorder,
          onOpen: (opened) => {
            said = opened;
          },
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
    const finishing = performance.now();
    const kept = store.finish(written);
    slot.leave();
    report(exchange, failure);
    if (failure) turn.push({ type: 'error', error: failure });
    try {
      await (failure ? kept : within(DURABLE_WITHIN_MS, kept));
      if (!failure) turn.push({ type: 'done', exchange });
      hooks.onRecorded?.(written, performance.now() - finishing);
    } catch (thrown) {
      const error = asAppError(thrown);
      logger.error({ exchange: turn.id, err: error }, 'the exchange is not durable');
      if (!failure) turn.push({ type: 'error', error });
      // A stop must not leave before the store has had its chance.
      await kept.catch(() => undefined);
    }
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
      logger.warn({ ...fields, code: failure.code, why: outlineOf(failure.cause) }, 'turn failed');
      logger.debug({ exchange: exchange.id, err: failure.cause }, 'why the turn failed');
    }
  };

  return {
    send,
    clear,
    alone,
    turn: turns.byId,
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
        remoteTurns.stop();
        for (const { abort } of live.values()) abort(shuttingDown());
        await within(UNWIND_MS, idle).catch(() => undefined);
      });
    },
    isDraining: () => draining,
    liveTurns: () => live.size,
  };
};
