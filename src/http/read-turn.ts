import type { NumberedEvent, Turn } from '../chat/live-turns.ts';

/** What a reader may leave unread before it is cut off, in bytes. */
export const MAX_UNREAD_BYTES = 256 * 1024;

/** Where a turn's events go. */
export interface Sink {
  /** Whether the reader has left as much unread as it may. */
  isFull(): boolean;
  /** Whether that is because of what was there before it. */
  isExcused(): boolean;
  /** @param isOld It was there before this reader was. */
  write(next: NumberedEvent, isOld: boolean): void;
  /** The reader has left too much unread of what came since it is here. */
  cutOff(): void;
  /** The final event is written. */
  end(): void;
}

export interface TurnReader {
  /** Writes what there is. Call it first, and whenever the reader has made room. */
  pump(): void;
  /** Leaves the turn, which goes on. */
  stop(): void;
}

/**
 * Writes a turn's events from number `from` on, as they come.
 *
 * What came before this reader did is written as fast as it reads: that it is much is not the reader's fault. And
 * what was left unread counts, not what comes now: the last event repeats the whole answer.
 */
export const readTurn = (turn: Turn, from: number, sink: Sink): TurnReader => {
  let caughtUpAt = turn.count;
  let n = from;
  let isOver = false;
  const stop = (): void => {
    isOver = true;
    stopFollowing();
  };
  const pump = (): void => {
    while (!isOver) {
      const next = turn.at(n);
      if (!next) return;
      const isOld = n < caughtUpAt;
      if (sink.isFull()) {
        // What it could not be told for that is as old, when its time comes.
        if (sink.isExcused()) caughtUpAt = turn.count;
        else if (!isOld) sink.cutOff();
        // Else it goes on when the reader has made room.
        return;
      }
      sink.write(next, isOld);
      n = next.n + 1;
      if (next.event.type !== 'done' && next.event.type !== 'error') continue;
      stop();
      sink.end();
    }
  };
  const stopFollowing = turn.onEvent(pump);
  return { pump, stop };
};
