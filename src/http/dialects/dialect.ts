import type { OpenAPIHono, z } from '@hono/zod-openapi';
import type { AppEnv } from '../context.ts';
import type { ChatAnswer } from '../schemas.ts';
import type { SocketProtocol } from '../socket/protocol.ts';
import type { Speaker } from '../who-speaks.ts';

/** The wire form of an older client: how it asks, and how it is told. What it may do is the same in all of them. */
export interface Dialect {
  /** Its routes, each with the limits and body checks of what it does. Its origin guards follow from their paths. */
  readonly routes: OpenAPIHono<AppEnv>;
  /** Its WebSockets, by path. */
  readonly sockets?: Readonly<Record<string, SocketProtocol>>;
  /** What it adds to our own POST /api/chat, for clients whose messages cannot be told from ours. */
  readonly chat?: ChatAddition;
}

/** What a dialect adds to POST /api/chat. */
export interface ChatAddition {
  /** Fields of the request's body beside ours. */
  readonly request: z.ZodRawShape;
  /** Fields of the answer beside ours. */
  readonly answer: z.ZodRawShape;
  /**
   * The session token that a message carries in a field of the dialect; undefined: none.
   * @param body Checked by our schema and `request`.
   * @throws AppError `log_unavailable`
   */
  sessionToken(body: Readonly<Record<string, unknown>>): Promise<string | undefined>;
  /**
   * What clients of the dialect read of an answer beside our own fields.
   * @param sessionToken What `sessionToken` gave for the message.
   */
  answerFields(answer: ChatAnswer, speaker: Speaker, sessionToken: string | undefined): object;
}

/** The paths of a dialect outside of `/api/`, where the guards of ours do not stand. */
export const pathsOf = ({ routes, sockets = {} }: Dialect): string[] => {
  const paths = new Set([...routes.routes.map(({ path }) => path), ...Object.keys(sockets)]);
  return [...paths].filter((path) => !path.startsWith('/api/'));
};
