import { createRoute } from '@hono/zod-openapi';
import { failures } from '../failure-answers.ts';
import { checkedRoutes } from '../route-parts.ts';
import type { Sockets } from './sockets.ts';

const getSocket = (path: string) =>
  createRoute({
    method: 'get',
    path,
    summary: 'Open a WebSocket',
    description: 'Messages in, events out; the session token as a subprotocol or as `?token=`.',
    responses: {
      101: { description: 'The socket is open; without a good token it is closed at once, with 1008' },
      ...failures('invalid_request', 'origin', 'limits', 'shutting_down'),
    },
  });

/** GET on the path of a socket, where it becomes none: says why. */
export const socketRoute = (path: string, sockets: Sockets) =>
  checkedRoutes().openapi(getSocket(path), (c) => {
    throw sockets.refusal(c.env.incoming);
  });
