import type { OpenAPIHono } from '@hono/zod-openapi';
import type { AppEnv } from '../context.ts';
import type { SocketProtocol } from '../socket/protocol.ts';

/** The wire form of an older client: how it asks, and how it is told. What it may do is the same in all of them. */
export interface Dialect {
  /** Its paths outside of `/api/`, as patterns: they pass the same gates as those. */
  readonly paths: readonly string[];
  /** Its routes, each with the limits and body checks of what it does. */
  readonly routes: OpenAPIHono<AppEnv>;
  /** Its WebSockets, by path. */
  readonly sockets?: Readonly<Record<string, SocketProtocol>>;
}
