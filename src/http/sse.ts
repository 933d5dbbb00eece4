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
  const { outgoing } = c.env;
  const requestId = c.get('requestId');
  // Made by Hono, so that the headers are those that every answer has.
  outgoing.writeHead(200, Object.fromEntries(c.body(null, 200, HEADERS).headers));

  const isFull = () => outgoing.writableLength >= MAX_UNREAD_BYTES;
  const heartbeat = setInterval(() => {
    if (isFull()) outgoing.destroy();
    else outgoing.write(': still there\n\n');
  }, writing.heartbeatMs);

  const { from = 0 } = writing;
  const ownText = ({ n, event }: NumberedEvent): string => {
    const data = JSON.stringify(eventData(event, turn.id, requestId, writing));
    return `event: ${event.type}\nid: ${turn.id}:${n}\ndata: ${data}\n\n`;
  };
  const reader = readTurn(turn, from, {
    isFull,
    cutOff: () => outgoing.destroy(),
    write: (next) => outgoing.write((writing.eventText ?? ownText)(next, turn.id, requestId)),
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
  outgoing.on('drain', reader.pump);
  // Where there is nothing yet, the reader is still to know that it is welcome.
  if (!turn.at(from)) outgoing.flushHeaders();
  reader.pump();
  return RESPONSE_ALREADY_SENT;
};
