import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Context } from 'hono';
import type { NumberedEvent, Turn, TurnEvent } from '../chat/live-turns.ts';
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
  /** The text of an event in another form than ours. */
  readonly eventText?: (next: NumberedEvent, id: string, requestId: string) => string;
  /** The number of the first event to write; absent: all from the first. */
  readonly from?: number;
}

/**
 * Writes a turn as server-sent events. A reader that leaves does not stop the turn; one that reads too slowly is
 * cut off, and the turn goes on, too.
 *
 * The events go straight into Node's response: a web stream between them costs more than all the rest of it, and
 * only the response itself tells what its reader has left unread.
 */
export const streamTurn = (c: Context<AppEnv>, turn: Turn, writing: Writing): Response => {
  const { outgoing } = c.env;
  const requestId = c.get('requestId');
  // Made by Hono, so that the headers are those that every answer has.
  outgoing.writeHead(200, Object.fromEntries(c.body(null, 200, HEADERS).headers));

  // What was left unread counts, not what comes now: the last event repeats the whole answer.
  const isFull = () => outgoing.writableLength >= MAX_UNREAD_BYTES;
  const heartbeat = setInterval(() => {
    if (isFull()) outgoing.destroy();
    else outgoing.write(': still there\n\n');
  }, writing.heartbeatMs);

  /** What came before this reader did is written as fast as it reads: that it is much is not the reader's fault. */
  const caughtUpAt = turn.count;
  const { from = 0 } = writing;
  const ownText = ({ n, event }: NumberedEvent): string => {
    const data = JSON.stringify(dataOf(event, turn.id, requestId, writing));
    return `event: ${event.type}\nid: ${turn.id}:${n}\ndata: ${data}\n\n`;
  };
  let n = from;
  let isOver = false;
  const pump = (): void => {
    while (!isOver) {
      const next = turn.at(n);
      if (!next) return;
      if (isFull()) {
        // Else it goes on when the reader has made room, which 'drain' tells.
        if (n >= caughtUpAt) outgoing.destroy();
        return;
      }
      const { event } = next;
      outgoing.write((writing.eventText ?? ownText)(next, turn.id, requestId));
      n = next.n + 1;
      if (event.type !== 'done' && event.type !== 'error') continue;
      leave();
      outgoing.end();
    }
  };
  const stopFollowing = turn.onEvent(pump);
  const leave = (): void => {
    isOver = true;
    clearInterval(heartbeat);
    stopFollowing();
  };
  outgoing.on('close', leave);
  outgoing.on('drain', pump);
  pump();
  // Where there is nothing yet, the reader is still to know that it is welcome.
  if (n === from) outgoing.flushHeaders();
  return RESPONSE_ALREADY_SENT;
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
