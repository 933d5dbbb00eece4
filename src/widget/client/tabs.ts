import { safely } from '../safely.ts';
import type { Entry } from './entry.ts';

/** What tabs of one visitor tell each other. */
export type TabMessage =
  /** An exchange as it is now: new, accepted, over. */
  | { readonly type: 'entry'; readonly entry: Entry }
  /** Words of an answer, which stand after `at` characters. */
  | {
      readonly type: 'delta';
      readonly key: string;
      readonly at: number;
      readonly text: string;
      readonly last: string | undefined;
    }
  | { readonly type: 'removed'; readonly key: string }
  | { readonly type: 'cleared' }
  /** Tell me what is going on. */
  | { readonly type: 'hello' };

export interface Tabs {
  tell(message: TabMessage): void;
  /** Runs `run` as the only tab that reads this turn; waits until the tab that does is gone. */
  asOnlyReader(key: string, signal: AbortSignal, run: () => Promise<void>): Promise<void>;
  close(): void;
}

/** @param name The same for the tabs that belong together. */
export const createTabs = (name: string, onMessage: (message: TabMessage) => void): Tabs => {
  const channel = safely(() => new BroadcastChannel(name));
  channel?.addEventListener('message', ({ data }: MessageEvent<TabMessage>) => onMessage(data));
  return {
    tell: (message) => void safely(() => channel?.postMessage(message)),
    asOnlyReader: async (key, signal, run) => {
      const locks = safely(() => navigator.locks);
      // On pages without TLS there are no locks: each tab reads for itself then.
      if (!locks) return run();
      await locks.request(`thread-proxy-turn:${key}`, { signal }, run);
    },
    close: () => channel?.close(),
  };
};
