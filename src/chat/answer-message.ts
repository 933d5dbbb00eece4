import { upstreamFailed } from '../errors.ts';
import { complete, createAnswerFilters, cutTo } from './answer-text.ts';
import type { ChatDeps } from './chat-api.ts';
import { type CitedAnswer, createCitedAnswer } from './cited-answer.ts';
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
  /** Called with the answer as soon as there is one to come. */
  readonly onOpen: (opened: CitedAnswer) => void;
}

/** What answering adds to the exchange. */
type Answered = Pick<Exchange, 'bot' | 'truncated' | 'usage' | 'sources' | 'flagged' | 'run'>;

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

  return async ({ turn, message, told, signal, deadline, recorder, onOpen }) => {
    const { visitor, timestamp } = message;
    const refused = await hooks.screen?.(message.user, signal);
    if (refused) {
      turn.push({ type: 'delta', text: refused.answer });
      return { bot: refused.answer, flagged: refused.flagged };
    }
    const previous = async () => (await store.recent(visitor, { limit: 1 }))[0];
    const quoted = await hooks.quote?.({ message: message.user, previous }, signal);
    const text = createCitedAnswer(newFilter, quoted?.citable ?? []);
    onOpen(text);
    const usable = await usableThread(visitor, timestamp, told);
    let threadId = usable.thread?.id;
    let { size } = usable;
    let toldChars = 0;
    /** @returns Whether the answer is longer than any may be. */
    const say = (words: string): boolean => {
      if (words === '') return false;
      const piece = cutTo(limits.answerMaxChars - turn.said().length, words);
      if (piece !== '') turn.push({ type: 'delta', text: piece });
      recorder.spoke();
      return piece.length < words.length;
    };
    const run = backend.run({
      exchangeId: message.id,
      visitor,
      verified: visitor.kind === 'verified',
      message: hooks.maskedForUpstream?.(message.user) ?? message.user,
      ...(quoted ? { context: quoted.context } : {}),
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
          text.from(`${event.backend} ${event.model ?? ''}`);
        } else if (event.type === 'thread') {
          store.setThread(visitor, stamped(event.thread, timestamp));
          threadId = event.thread.id;
          size = toldChars;
          if (usable.outgrown) forget(usable.outgrown);
        } else if (event.type === 'called') recorder.called(event.names);
        else if (event.type === 'cited') say(text.cite(event.source));
        else if (event.type === 'delta') {
          if (!say(text.push(event.text))) continue;
          return {
            ...complete(turn.said(), { truncated: true }),
            ...text.sources(),
            run: recorder.details(),
          };
        } else {
          const isCut = say(text.end());
          const end = isCut ? { ...event, truncated: true } : event;
          const { text: answer, ...sources } = text.whole(turn.said());
          return { ...complete(answer, end), ...sources, run: recorder.details(event.model) };
        }
      }
      throw upstreamFailed({ cause: new Error(`the ${backend.name} backend ended a run without its end`) });
    } finally {
      const held = size + message.user.length + turn.said().length;
      if (threadId !== undefined) sizes.keep(visitor, threadId, held, timestamp);
    }
  };
};
