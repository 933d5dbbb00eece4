import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Context } from 'hono';
import type { NumberedEvent, Turn } from '../chat/live-turns.ts';
import { toChatAnswer } from './answer-fields.ts';
import type { AppEnv } from './context.ts';
import { type EventDataOptions, eventData } from './event-data.ts';
import { type Told, toldBy } from './failures.ts';
import { inLanguage } from './messages/languages.ts';
import { MAX_UNREAD_BYTES, readTurn } from './read-turn.ts';

/** Told often enough that no proxy takes a thinking assistant for a dead connection. */
export const HEARTBEAT_MS = 10_000;

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  // no-transform keeps proxies from compressing, and so from buffering.
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
};

/** A stream in another form than ours. */
export interface StreamForm {
  /** The text of an event. */
  readonly eventText: (next: NumberedEvent, id: string, told: Told) => string;
  /** Absent: server-sent events. */
  readonly contentType?: string;
  /** What keeps a quiet stream alive; absent: a comment line of server-sent events. */
  readonly heartbeat?: string;
}

interface Writing extends Partial<EventDataOptions> {
  readonly heartbeatMs: number;
  /** Absent: our own events. */
  readonly form?: StreamForm;
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
  const { form } = writing;
  const headers = form?.contentType ? { ...HEADERS, 'Content-Type': form.contentType } : HEADERS;
  if (c.req.method === 'HEAD') return c.body(null, 200, headers);
  const { outgoing } = c.env;
  const told = toldBy(c);
  // Made by Hono, so that the headers are those that every answer has.
  outgoing.writeHead(200, Object.fromEntries(c.body(null, 200, headers).headers));

  const isFull = () => outgoing.writableLength >= MAX_UNREAD_BYTES;
  /** What is unread was there before this reader: that it is much is not the reader's fault, as long as it reads on. */
  let isCatchingUp = false;
  const heartbeat = setInterval(() => {
    if (!isFull()) outgoing.write(form?.heartbeat ?? ': still there\n\n');
    // One that catches up may take its time, as long as it reads on: its connection is watched for that.
    else if (!isCatchingUp) outgoing.destroy();
  }, writing.heartbeatMs);

  const { from = 0, newToken, toAnswer = ({ exchange }) => toChatAnswer(exchange, newToken) } = writing;
  const ownText = ({ n, event }: NumberedEvent): string => {
    const data = JSON.stringify(eventData(event, turn.id, told, { toAnswer, newToken }));
    return `event: ${event.type}\nid: ${turn.id}:${n}\ndata: ${data}\n\n`;
  };
  const inReadersLanguage = ({ n, event }: NumberedEvent): NumberedEvent =>
    event.type === 'error'
      ? { n, event: { ...event, error: inLanguage(event.error, told.acceptLanguage) } }
      : { n, event };
  const reader = readTurn(turn, from, {
    isFull,
    cutOff: () => outgoing.destroy(),
    isExcused: () => isCatchingUp,
    write: (next, isOld) => {
      outgoing.write((form?.eventText ?? ownText)(inReadersLanguage(next), turn.id, told));
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
