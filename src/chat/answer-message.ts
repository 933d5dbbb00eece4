import { upstreamFailed } from '../errors.ts';
import { complete, createAnswerFilters, cutTo } from './answer-text.ts';
import type { ChatDeps } from './chat-api.ts';
import { historyWindow } from './history-window.ts';
import type { OpenTurn } from './live-turns.ts';
import type { AcceptedMessage, Exchange, UpstreamThread, Visitor } from './model.ts';
import type { RunRecorder } from './run-recorder.ts';
import type { Accepted } from './store-port.ts';
import { createThreadSizes, stamped, unstamped } from './thread-size.ts';

/** What the store told of the visitor's thread when it accepted the message. */
export type ToldOnAccept = Pick<Accepted & { type: 'accepted' }, 'thread' | 'lastSeen'>;

/** A message whose run may begin. */
interface Answering {
  readonly turn: OpenTurn;
  readonly message: AcceptedMessage;
  readonly told: ToldOnAccept;
  readonly signal: AbortSignal;
  /** Milliseconds since 1970. */
  readonly deadline: number;
  readonly recorder: RunRecorder;
}

/** What answering adds to the exchange. */
type Answered = Pick<Exchange, 'bot' | 'truncated' | 'usage' | 'flagged' | 'run'>;

/** The visitor's thread, and what is in it. */
interface Usable {
  readonly thread: UpstreamThread | undefined;
  /** UTF-16 units; 0 where there is no thread. */
  readonly size: number;
  /** A thread that holds too much: it is deleted when another has taken its place. */
  readonly outgrown?: UpstreamThread;
}

/** Runs the assistant on a message and pushes its words into the turn. @throws AppError, the signal's reason. */
export const createAnswer = (deps: ChatDeps): ((answering: Answering) => Promise<Answered>) => {
  const { backend, store, logger, limits, hooks = {} } = deps;
  const newFilter = createAnswerFilters();
  const sizes = createThreadSizes(store, limits.historyMaxChars);

  /** The thread, unless it has rested so long that the upstream may have dropped it, or holds too much. */
  const usableThread = async (visitor: Visitor, now: number, told: ToldOnAccept): Promise<Usable> => {
    const thread = told.thread === undefined ? await store.thread(visitor) : told.thread;
    if (!thread) return { thread: undefined, size: 0 };
    const lastSeen =
      told.lastSeen === undefined ? (await store.recent(visitor, { limit: 1 }))[0]?.timestamp : told.lastSeen;
    const idle = lastSeen === undefined || lastSeen === null ? 0 : (now - lastSeen) * 1000;
    if (idle > limits.threadIdle) return { thread: undefined, size: 0 };
    const size = await sizes.of(visitor, thread, lastSeen ?? undefined);
    return size > 2 * limits.historyMaxChars
      ? { thread: undefined, size: 0, outgrown: unstamped(thread) }
      : { thread: unstamped(thread), size };
  };

  const forget = (thread: UpstreamThread): void => {
    backend.forget?.(thread).catch((err: unknown) => {
      logger.debug({ err }, 'a thread that is not used any more could not be deleted');
    });
  };

  return async ({ turn, message, told, signal, deadline, recorder }) => {
    const { visitor, timestamp } = message;
    const refused = await hooks.screen?.(message.user, signal);
    if (refused) {
      turn.push({ type: 'delta', text: refused.answer });
      return { bot: refused.answer, flagged: refused.flagged };
    }
    const usable = await usableThread(visitor, timestamp, told);
    let threadId = usable.thread?.id;
    let { size } = usable;
    let toldChars = 0;
    let filter = newFilter('');
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
      thread: usable.thread,
      history: async (maxChars = limits.historyMaxChars) => {
        const history = await historyWindow(store, visitor, Math.min(maxChars, limits.historyMaxChars));
        toldChars = history.reduce((sum, { user, bot }) => sum + user.length + (bot?.length ?? 0), 0);
        return history;
      },
      signal,
      deadline,
    });
    try {
      for await (const event of run) {
        if (event.type === 'asked') {
          recorder.asked(event.backend, event.model);
          filter = newFilter(`${event.backend} ${event.model ?? ''}`);
        } else if (event.type === 'thread') {
          store.setThread(visitor, stamped(event.thread, timestamp));
          threadId = event.thread.id;
          size = toldChars;
          if (usable.outgrown) forget(usable.outgrown);
        } else if (event.type === 'called') recorder.called(event.names);
        else if (event.type === 'delta') {
          if (say(filter.push(event.text)))
            return { ...complete(turn.said(), { truncated: true }), run: recorder.details() };
        } else {
          const isCut = say(filter.end());
          const text = filter.corrected() ?? turn.said();
          const end = isCut ? { ...event, truncated: true } : event;
          return { ...complete(text, end), run: recorder.details(event.model) };
        }
      }
      throw upstreamFailed({ cause: new Error(`the ${backend.name} backend ended a run without its end`) });
    } finally {
      const held = size + message.user.length + turn.said().length;
      if (threadId !== undefined) sizes.keep(visitor, threadId, held, timestamp);
    }
  };
};
