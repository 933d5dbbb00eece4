import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Context } from 'hono';
import type { NumberedEvent, Turn } from '../chat/live-turns.ts';
import type { AppEnv } from './context.ts';
import { type EventDataOptions, eventData } from './event-data.ts';
import { MAX_UNREAD_BYTES, readTurn } from './read-turn.ts';

/** Told often enough that no proxy takes a thinking assistant for a dead connection. */
export const HEARTBEAT_MS = 10_000;

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  // no-transform keeps proxies from compressing, and so from buffering.
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
};

interface Writing extends EventDataOptions {
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
  // Hono answers HEAD with what GET would be answered with, less the body: nothing may be written past it.
  if (c.req.method === 'HEAD') return c.body(null, 200, HEADERS);
  const { outgoing } = c.env;
  const requestId = c.get('requestId');
  // Made by Hono, so that the headers are those that every answer has.
  outgoing.writeHead(200, Object.fromEntries(c.body(null, 200, HEADERS).headers));

  const isFull = () => outgoing.writableLength >= MAX_UNREAD_BYTES;
  /** What is unread was there before this reader: that it is much is not the reader's fault, as long as it reads on. */
  let isCatchingUp = false;
  const heartbeat = setInterval(() => {
    if (!isFull()) outgoing.write(': still there\n\n');
    // One that catches up may take its time, as long as it reads on: its connection is watched for that.
    else if (!isCatchingUp) outgoing.destroy();
  }, writing.heartbeatMs);

  const { from = 0 } = writing;
  const ownText = ({ n, event }: NumberedEvent): string => {
    const data = JSON.stringify(eventData(event, turn.id, requestId, writing));
    return `event: ${event.type}\nid: ${turn.id}:${n}\ndata: ${data}\n\n`;
  };
  const reader = readTurn(turn, from, {
    isFull,
    cutOff: () => outgoing.destroy(),
    isExcused: () => isCatchingUp,
    write: (next, isOld) => {
      outgoing.write((writing.eventText ?? ownText)(next, turn.id, requestId));
      if (isOld && isFull()) isCatchingUp = true;
    },
    end: () => {
      clearInterval(heartbeat);
      outgoing.end();
    },
  });
  const leave = (): void => {
    clearInterval(heartbeat);
    reader.stop();
  };
  outgoing.on('close', leave);
  outgoing.on('drain', () => {
    isCatchingUp = false;
    reader.pump();
  });
  // Where there is nothing yet, the reader is still to know that it is welcome.
  if (!turn.at(from)) outgoing.flushHeaders();
  reader.pump();
  return RESPONSE_ALREADY_SENT;
};
