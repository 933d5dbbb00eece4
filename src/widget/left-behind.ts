import { memoryIn } from './client/storage.ts';
import { safely } from './safely.ts';

const prefixOf = (server: string): string => `thread-proxy:${server}:`;

/** What the page before has left in this tab: an open panel, or an answer that has not come yet. */
export const leftBehind = (server: string): { isWanted: boolean; isPending: boolean } => {
  // On a phone it would cover the page that the visitor has just gone to.
  const isLarge = matchMedia('(min-width: 480px) and (min-height: 420px)').matches;
  const prefix = prefixOf(server);
  return {
    isWanted: isLarge && memoryIn(() => sessionStorage, prefix).get('open') !== undefined,
    isPending:
      safely(() => Object.keys(localStorage).some((key) => key.startsWith(`${prefix}turn-`))) ?? false,
  };
};

/** Keeps for the next page whether the panel is open. */
export const rememberShown = (server: string, isShown: boolean): void =>
  memoryIn(() => sessionStorage, prefixOf(server)).set('open', isShown ? '1' : undefined);
