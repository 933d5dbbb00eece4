import type { Context } from 'hono';
import type { Turn, TurnEvent } from '../chat/live-turns.ts';
import type { AppEnv } from './context.ts';
import { errorBody } from './failures.ts';
import type { ChatAnswer } from './schemas.ts';

/** What a reader may leave unread before it is cut off, in bytes. */
const MAX_UNREAD_BYTES = 256 * 1024;

/** Told often enough that no proxy takes a thinking assistant for a dead connection. */
export const HEARTBEAT_MS = 10_000;

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  // no-transform keeps proxies from compressing, and so from buffering.
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
};

interface Writing {
  /** The JSON answer that `done` carries. */
  readonly toAnswer: (event: Extract<TurnEvent, { type: 'done' }>) => ChatAnswer;
  /** Goes with `accepted` for a session that began with this message. */
  readonly newToken: string | undefined;
  readonly heartbeatMs: number;
}

/**
 * Writes a turn as server-sent events. A reader that leaves does not stop the turn; one that reads too slowly is
 * cut off, and the turn goes on, too.
 */
export const streamTurn = (c: Context<AppEnv>, turn: Turn, writing: Writing): Response => {
  const encoder = new TextEncoder();
  const requestId = c.get('requestId');
  let leave = () => {};

  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        const write = (text: string): void => {
          // What was left unread counts, not what comes now: the last event repeats the whole answer.
          if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(text));
          else {
            leave();
            c.env.outgoing.destroy();
          }
        };
        const heartbeat = setInterval(() => write(': still there\n\n'), writing.heartbeatMs);
        let stopFollowing = () => {};
        leave = () => {
          clearInterval(heartbeat);
          stopFollowing();
        };
        stopFollowing = turn.follow(0, (event, n) => {
          const data = JSON.stringify(dataOf(event, turn.id, requestId, writing));
          write(`event: ${event.type}\nid: ${turn.id}:${n}\ndata: ${data}\n\n`);
          if (event.type !== 'done' && event.type !== 'error') return;
          leave();
          controller.close();
        });
      },
      cancel: () => leave(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: MAX_UNREAD_BYTES }),
  );
  return c.body(body, 200, HEADERS);
};

const dataOf = (event: TurnEvent, id: string, requestId: string, writing: Writing): object => {
  switch (event.type) {
    case 'accepted':
      return writing.newToken === undefined ? { id } : { id, session_token: writing.newToken };
    case 'delta':
      return { text: event.text };
    case 'done':
      return writing.toAnswer(event);
    case 'error':
      return errorBody(event.error, requestId);
  }
};
