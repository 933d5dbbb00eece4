import { safely } from '../safely.ts';
import type { Api } from './api.ts';
import { Refused } from './api.ts';
import { type Memory, uuid } from './storage.ts';
import { readToken } from './wire.ts';

/** A token that the site made for its user; a function is asked again when the token is about to end. */
export type UserToken = string | (() => Promise<string>);

/** Whose conversation this is. */
export interface Session {
  /** The token, if there is one already; undefined before the first message. Refreshes what ends soon. */
  current(): Promise<string | undefined>;
  /** The token; begins a session where there is none. */
  ensure(): Promise<string>;
  /** Takes a token that came with an answer. */
  take(token: string): void;
  /** Forgets the session: the next message begins another. */
  forget(): void;
  /** Whether the site names the visitor. */
  isNamed(): boolean;
  /** Who it is, in a form that names nobody: keeps the visitors of one browser apart. */
  name(): Promise<string>;
}

/** The name of who is known by the browser alone. */
const ANYONE = 'a';

/** A short sum, so that what a site calls its users does not stand in the browser's storage. */
const shortSum = (text: string): string => {
  let sum = 0;
  for (const char of text) sum = (Math.imul(sum, 31) + (char.codePointAt(0) ?? 0)) | 0;
  return (sum >>> 0).toString(36);
};

/** A token is refreshed when less than this share of its life is left. */
const LAST_PART = 0.25;

/** Runs one at a time among all tabs, where the browser can do that. */
const locked = <T>(name: string, run: () => Promise<T>): Promise<T> => {
  const locks = safely(() => navigator.locks);
  return locks ? Promise.resolve(locks.request(name, run)).then((value) => value as T) : run();
};

export const createSession = (deps: {
  api: Api;
  memory: Memory;
  server: string;
  userToken: () => UserToken | undefined;
}): Session => {
  const { api, memory, userToken } = deps;
  const lock = `thread-proxy-session:${deps.server}`;
  let fromSite: string | undefined;

  const endsSoon = (token: string): boolean => {
    const read = readToken(token);
    return read !== undefined && read.end - Date.now() < (read.end - read.begin) * LAST_PART;
  };

  /** The site's own token. It is not refreshed: that would end the one that the site may still hand out. */
  const named = async (given: UserToken): Promise<string> => {
    if (typeof given === 'string') return given;
    if (fromSite === undefined || endsSoon(fromSite)) fromSite = await given();
    return fromSite;
  };

  const refresh = (): Promise<string | undefined> =>
    locked(lock, async () => {
      const token = memory.get('token');
      // Another tab may have been faster.
      if (token === undefined || !endsSoon(token)) return token;
      try {
        const { session_token: next } = await api.json('/api/session/refresh', { method: 'POST', token });
        if (typeof next === 'string') memory.set('token', next);
      } catch (thrown) {
        // As long as the old one is good, it will do: the next call tries again.
        if (thrown instanceof Refused && thrown.status === 401) throw thrown;
      }
      return memory.get('token');
    });

  const current = async (): Promise<string | undefined> => {
    const given = userToken();
    if (given) return named(given);
    const token = memory.get('token');
    return token !== undefined && endsSoon(token) ? refresh() : token;
  };

  return {
    current,
    ensure: async () => {
      const token = await current();
      if (token !== undefined) return token;
      return locked(lock, async () => {
        const made = memory.get('token');
        if (made !== undefined) return made;
        const { session_token: next } = await api.json('/api/session', { method: 'POST' });
        if (typeof next !== 'string') throw new Refused({ code: 'unknown', message: '' }, 502);
        memory.set('token', next);
        return next;
      });
    },
    take: (token) => {
      if (!userToken()) memory.set('token', token);
    },
    forget: () => {
      fromSite = undefined;
      memory.set('token', undefined);
    },
    isNamed: () => userToken() !== undefined,
    name: async () => {
      const given = userToken();
      if (!given) return ANYONE;
      const visitor = readToken(await named(given).catch(() => ''))?.visitor;
      // Without a name nothing is shared with other pages: they may be another user's.
      return `u${shortSum(visitor ?? uuid())}`;
    },
  };
};
