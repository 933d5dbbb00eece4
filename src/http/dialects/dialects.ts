import type { RouteDeps } from '../route-deps.ts';
import { aiSdk } from './ai-sdk.ts';
import { deepChat } from './deep-chat.ts';
import type { Dialect } from './dialect.ts';
import { flowise } from './flowise.ts';
import { n8nChat } from './n8n-chat.ts';
import { sessionApi } from './session-api.ts';
import { socketChat } from './socket-chat.ts';
import { sseChat } from './sse-chat.ts';
import { tokenChat } from './token-chat.ts';

/** Each older client's wire form, by its name in DIALECTS. */
const DIALECTS = {
  session: sessionApi,
  token: tokenChat,
  sse: sseChat,
  socket: socketChat,
  'deep-chat': deepChat,
  n8n: n8nChat,
  flowise,
  'ai-sdk': aiSdk,
} as const satisfies Record<string, (deps: RouteDeps) => Dialect>;

export type DialectName = keyof typeof DIALECTS;

/** The wire forms that are on. */
export const createDialects = (names: readonly DialectName[], deps: RouteDeps): Dialect[] =>
  names.map((name) => DIALECTS[name](deps));
