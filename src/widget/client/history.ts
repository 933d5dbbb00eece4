import { safely } from '../safely.ts';
import { type Api, Refused } from './api.ts';
import type { Entries } from './entries.ts';
import { type Entry, entryOf, isEntry } from './entry.ts';
import type { Notice } from './notice.ts';
import type { Session } from './session.ts';
import type { Memory } from './storage.ts';
import { readHistory } from './wire.ts';

export interface HistoryView {
  /** Older entries came, oldest first; they stand before all others. */
  onOlder(entries: readonly Entry[], hasMore: boolean): void;
}

const PAGE = 20;
/** A conversation that is longer than this is not kept in the tab. */
const MAX_SEEN_CHARS = 200_000;
/** Longest wait for a history that is limited, in seconds. */
const MAX_WAIT_S = 65;
const MAX_TRIES = 3;

/** What was said on earlier pages. */
export const createHistory = (deps: {
  api: Api;
  session: Session;
  entries: Entries;
  view: HistoryView;
  tabMemory: Memory;
  notice: (notice?: Notice) => void;
  life: AbortSignal;
}) => {
  const { api, session, entries, view, tabMemory, notice, life } = deps;
  let oldest: string | undefined;

  /**
   * What this tab has shown on the page before stands there at once, also where reading is limited, as on a site whose
   * pages are clicked through quickly. Of users whom the site names nothing is kept.
   */
  const showSeen = (): Entry[] => {
    if (session.isNamed()) return [];
    const kept: unknown = safely(() => JSON.parse(tabMemory.get('seen') ?? '[]'));
    const seen = Array.isArray(kept) ? kept.filter(isEntry) : [];
    if (seen.length > 0) view.onOlder(entries.fill(seen), false);
    return seen;
  };

  /** @returns The ids that are there, on this page. */
  const readPage = async (before?: string): Promise<string[]> => {
    const token = await session.current();
    if (token === undefined) return [];
    const path = `/api/history?limit=${PAGE}${before ? `&before=${encodeURIComponent(before)}` : ''}`;
    const page = readHistory(await api.json(path, { token }));
    oldest = page.before;
    view.onOlder(entries.fill(page.history.map(entryOf)), oldest !== undefined);
    return page.history.map(({ id }) => id);
  };

  const restore = async (): Promise<void> => {
    const seen = showSeen();
    if (seen.length === 0 && (session.isNamed() || (await session.current()))) notice({ type: 'loading' });
    for (let tries = 1; ; tries++) {
      try {
        const ids = await readPage();
        // Cleared in another tab meanwhile.
        for (const { key, id } of seen) if (id === undefined || !ids.includes(id)) entries.drop(key);
        return notice();
      } catch (thrown) {
        if (life.aborted) return;
        if (thrown instanceof Refused && thrown.status === 401) return notice({ type: 'ended' });
        const seconds = thrown instanceof Refused ? thrown.retryAfter : undefined;
        if (seconds !== undefined && seen.length > 0) return notice();
        if (tries === MAX_TRIES || (seconds ?? 0) > MAX_WAIT_S) return notice({ type: 'history-failed' });
        await new Promise((resolve) => setTimeout(resolve, seconds ? seconds * 1000 : 100 * 4 ** tries));
      }
    }
  };

  return {
    restore: async (): Promise<void> => {
      try {
        await restore();
      } catch (thrown) {
        notice({ type: thrown instanceof Refused && thrown.status === 401 ? 'ended' : 'history-failed' });
      }
    },
    older: async (): Promise<void> => {
      await readPage(oldest);
    },
    forget: (): void => {
      oldest = undefined;
    },
    /** Keeps what is shown for the next page in this tab. */
    keep: (): void => {
      const seen = entries.all().filter(({ state, id }) => state === 'done' && id !== undefined);
      const text = JSON.stringify(seen.slice(-PAGE));
      const isKept = !session.isNamed() && text.length <= MAX_SEEN_CHARS;
      tabMemory.set('seen', isKept ? text : undefined);
    },
  };
};
