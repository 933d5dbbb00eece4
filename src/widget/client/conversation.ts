import type { Rating } from '../protocol/chat.ts';
import { safely } from '../safely.ts';
import { createApi, Refused } from './api.ts';
import { Entries, type EntriesView } from './entries.ts';
import { type Entry, isRunning } from './entry.ts';
import { createHistory, type HistoryView } from './history.ts';
import { type Notice, noticeOf } from './notice.ts';
import { runTurn, TurnFailed } from './run-turn.ts';
import { createSession, type UserToken } from './session.ts';
import { eitherOf } from './signals.ts';
import { memoryIn, uuid } from './storage.ts';

export interface ConversationView extends EntriesView, HistoryView {
  /** Undefined: there is nothing to tell. */
  onNotice(notice: Notice | undefined): void;
  /** The message was not taken, and goes back to where it was written. */
  onReturned(text: string): void;
  /** An answer is whole. */
  onAnswer(entry: Entry): void;
  onError(code: string, message: string): void;
}

export interface ConversationOptions {
  readonly server: string;
  readonly userToken: () => UserToken | undefined;
  readonly view: ConversationView;
}

/** The visitor's conversation, as this tab knows it: everything but how it looks. */
export const createConversation = ({ server, userToken, view }: ConversationOptions) => {
  const prefix = `thread-proxy:${server}:`;
  const api = createApi(server);
  const memory = memoryIn(() => localStorage, prefix);
  const tabMemory = memoryIn(() => sessionStorage, prefix);
  const session = createSession({ api, memory, server, userToken });
  const life = new AbortController();
  const reading = new Map<string, AbortController>();
  let isJoined = false;

  const notice = (next?: Notice): void =>
    view.onNotice(next ?? (navigator.onLine ? undefined : { type: 'offline' }));

  const entries = new Entries({
    memory,
    view,
    onForeign: (entry) => void read(entry),
  });

  const onFailure = (entry: Entry, thrown: unknown): void => {
    const { code, message } =
      thrown instanceof TurnFailed ? thrown.failure : { code: 'unknown', message: '' };
    const next = noticeOf(code, thrown instanceof TurnFailed ? thrown.retryAfter : undefined);
    notice(next);
    if (next && entry.id === undefined) {
      // It is not in the conversation, so it is not shown there, either.
      entries.remove(entry.key);
      view.onReturned(entry.user);
    } else {
      entry.state = 'failed';
      entry.error = { code, message };
      entries.put(entry);
    }
    view.onError(code, message);
  };

  /** Ends the turn at the service; what was said so far stays. */
  const stopAtService = async (entry: Entry): Promise<void> => {
    if (entry.id === undefined) return;
    await api.json(`/api/chat/${entry.id}`, { method: 'DELETE', token: await session.current() });
  };

  /** Sends the entry's message, or goes on with its answer, until it is over. */
  const readToEnd = async (entry: Entry): Promise<void> => {
    const abort = new AbortController();
    reading.set(entry.key, abort);
    const turn = { key: entry.key, message: entry.user, id: entry.id, last: entry.last };
    const listener = {
      onAccepted: () => {
        entry.id = turn.id;
        entry.last = turn.last;
        if (entry.state === 'stopped') {
          void quietly(stopAtService(entry));
          return;
        }
        if (entry.state === 'sending') entry.state = 'waiting';
        entries.put(entry);
      },
      onDelta: (text: string) => {
        entry.last = turn.last;
        entries.append(entry, text, true);
      },
      onWaiting: (isWaiting: boolean) => notice(isWaiting ? { type: 'reconnecting' } : undefined),
    };
    try {
      const signal = eitherOf(abort.signal, life.signal);
      const answer = await runTurn(turn, listener, signal, { api, session, memory: tabMemory });
      Object.assign(entry, { id: answer.id, text: answer.answer, sources: answer.sources });
      entry.truncated = answer.truncated;
      if (entry.state !== 'stopped') entry.state = 'done';
      entries.put(entry);
      view.onAnswer(entry);
    } catch (thrown) {
      entry.id = turn.id;
      entry.last = turn.last;
      if (abort.signal.aborted || life.signal.aborted) return;
      if (entry.state === 'stopped') entries.put(entry);
      else onFailure(entry, thrown);
    } finally {
      reading.delete(entry.key);
    }
  };

  /** As soon as no other tab reads it; what that tab has left is gone on with. */
  const read = (entry: Entry): Promise<void> =>
    quietly(
      entries.asOnlyReader(entry.key, life.signal, async () => {
        const now = entries.get(entry.key);
        if (now && isRunning(now) && !reading.has(entry.key)) await readToEnd(now);
      }),
    );

  const start = (text: string): void => {
    const entry: Entry = { key: uuid(), user: text, at: Date.now(), text: '', state: 'sending' };
    entries.put(entry);
    void read(entry);
  };

  const history = createHistory({ api, session, entries, view, tabMemory, notice, life: life.signal });

  for (const name of ['online', 'offline'])
    window.addEventListener(name, () => notice(), { signal: life.signal });
  const keep = (): void => {
    entries.save();
    history.keep();
  };
  window.addEventListener('pagehide', keep, { signal: life.signal });

  return {
    entries: () => entries.all(),
    running: () => entries.running(),
    /** Shows what was said before, and goes on with an answer that a reload has cut off. */
    restore: async (): Promise<void> => {
      notice();
      if (!isJoined) entries.join(server, await session.name());
      isJoined = true;
      await history.restore();
      const saved = entries.saved();
      if (saved) {
        entries.put(saved);
        void read(saved);
      }
      entries.ask();
    },
    /** @returns Whether the text was taken: it is not while an answer is being given. */
    send: (text: string): boolean => {
      const message = text.trim();
      if (message === '' || entries.running()) return false;
      start(message);
      return true;
    },
    retry: (entry: Entry): void => {
      if (entries.running()) return;
      if (entry.error?.code !== 'connection_lost') {
        entries.remove(entry.key);
        start(entry.user);
        return;
      }
      // It may well have been answered meanwhile: gone on with, not said again.
      entry.state = entry.text ? 'streaming' : 'sending';
      entry.error = undefined;
      entries.put(entry);
      void read(entry);
    },
    stop: async (): Promise<void> => {
      const entry = entries.running();
      if (!entry) return;
      entry.state = 'stopped';
      entries.put(entry);
      await quietly(stopAtService(entry));
    },
    /** Clears the conversation, for the assistant, too. @throws where it cannot be done now. */
    clear: async (): Promise<void> => {
      const running = entries.running();
      if (running) await quietly(stopAtService(running));
      try {
        const token = await session.current();
        if (token !== undefined) await api.json('/api/history', { method: 'DELETE', token });
      } catch (thrown) {
        // A session that has ended holds nothing that could be cleared.
        if (!(thrown instanceof Refused && thrown.status === 401)) throw thrown;
        session.forget();
      }
      for (const abort of reading.values()) abort.abort();
      entries.clear(true);
      history.forget();
      notice();
    },
    /** Begins anew after a session has ended: the old conversation can be reached no more. */
    startOver: (): void => {
      session.forget();
      entries.clear(true);
      history.forget();
      notice();
    },
    /** @throws where the service could not be told. */
    rate: async (entry: Entry, rating: Rating | null, comment?: string): Promise<void> => {
      const body = { id: entry.id, rating, ...(comment ? { comment } : {}) };
      await api.json('/api/feedback', { method: 'POST', token: await session.current(), body });
      entry.rating = rating;
    },
    older: (): Promise<void> => quietly(history.older()),
    /** The page goes, or the conversation is another visitor's from now on. */
    end: (): void => {
      safely(keep);
      life.abort();
      entries.leave();
    },
  };
};

export type Conversation = ReturnType<typeof createConversation>;

/** What the visitor is told of elsewhere, or need not be told of. */
const quietly = (work: Promise<void>): Promise<void> => work.catch(() => undefined);
