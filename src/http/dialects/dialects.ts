import type { Dialect } from './dialect.ts';
import { type SessionApiDeps, sessionApi } from './session-api.ts';
import { type SocketChatDeps, socketChat } from './socket-chat.ts';
import { type SseChatDeps, sseChat } from './sse-chat.ts';
import { type TokenChatDeps, tokenChat } from './token-chat.ts';

export type DialectDeps = SessionApiDeps & TokenChatDeps & SseChatDeps & SocketChatDeps;

/** Each older client's wire form, by its name in DIALECTS. */
const DIALECTS = {
  session: sessionApi,
  token: tokenChat,
  sse: sseChat,
  socket: socketChat,
} as const satisfies Record<string, (deps: DialectDeps) => Dialect>;

export type DialectName = keyof typeof DIALECTS;

/** The wire forms that are on. */
export const createDialects = (names: readonly DialectName[], deps: DialectDeps): Dialect[] =>
  names.map((name) => DIALECTS[name](deps));
