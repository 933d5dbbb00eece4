import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { NumberedEvent, Turn } from '../../chat/live-turns.ts';
import { MAX_UNREAD_BYTES, readTurn, type TurnReader } from '../read-turn.ts';

/** What is written to one socket, bounded by what its reader leaves unread. */
export interface Outbox {
  /** Writes a text frame; cuts off a reader that has left too much unread before it. */
  send(text: string): void;
  /** As {@link send}, for what may as well be left out: nothing is written where too much is unread. */
  sendIfRoom(text: string): void;
  /**
   * Writes a turn's events from number `from` on.
   * @param textOf The frame for an event; undefined: none.
   * @param onOver Called when the final one is written.
   */
  follow(
    turn: Turn,
    from: number,
    textOf: (next: NumberedEvent) => string | undefined,
    onOver: () => void,
  ): void;
  /** How many turns are being followed. */
  following(): number;
  /** Whether the reader leaves too much unread of what came while it was there. */
  isStuck(): boolean;
  /** Follows nothing any more. */
  close(): void;
}

/** @param socket The one below `ws`: it alone tells what is unread, and when there is room again. */
export const createOutbox = (ws: WebSocket, socket: Socket): Outbox => {
  const readers = new Set<TurnReader>();
  /** What is unread is of turns from before the reader's time: that it is much is not the reader's fault. */
  let isCatchingUp = false;
  const isFull = (): boolean => socket.writableLength >= MAX_UNREAD_BYTES;
  const isStuck = (): boolean => isFull() && !isCatchingUp;

  const onDrain = (): void => {
    isCatchingUp = false;
    for (const reader of readers) reader.pump();
  };
  socket.on('drain', onDrain);

  return {
    send: (text) => {
      if (isFull()) ws.terminate();
      else ws.send(text);
    },
    sendIfRoom: (text) => {
      if (!isFull()) ws.send(text);
    },
    follow: (turn, from, textOf, onOver) => {
      const reader = readTurn(turn, from, {
        isFull,
        isExcused: () => isCatchingUp,
        cutOff: () => ws.terminate(),
        write: (next, isOld) => {
          const text = textOf(next);
          if (text === undefined) return;
          ws.send(text);
          if (isOld && isFull()) isCatchingUp = true;
        },
        end: () => {
          readers.delete(reader);
          onOver();
        },
      });
      readers.add(reader);
      reader.pump();
    },
    following: () => readers.size,
    isStuck,
    close: () => {
      socket.off('drain', onDrain);
      for (const reader of readers) reader.stop();
      readers.clear();
    },
  };
};
