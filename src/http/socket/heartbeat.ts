import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { watchProgress } from '../progress.ts';

/** Heartbeats without a sign of life after which a peer counts as gone: half a minute. */
const DEAD_AFTER_BEATS = 3;
/** Heartbeats without a frame that asks for something after which a socket is closed: ten minutes. */
const IDLE_AFTER_BEATS = 60;

export interface Heartbeat {
  /** The client asked for something. */
  asked(): void;
  stop(): void;
}

/**
 * Watches over a socket, from heartbeat to heartbeat.
 * @param on.beat Called on each heartbeat, with its number, counted from 1.
 * @param on.idle Called when the client has asked for nothing for long, and `isBusy` says that nothing is under way.
 * @param on.dead Called when the peer is gone without closing.
 */
export const createHeartbeat = (
  ws: WebSocket,
  socket: Socket,
  everyMs: number,
  on: { beat: (n: number) => void; idle: () => void; dead: () => void; isBusy: () => boolean },
): Heartbeat => {
  let beats = 0;
  let [silent, idle] = [0, 0];
  const isMoving = watchProgress(socket);
  const alive = (): void => {
    silent = 0;
  };
  for (const sign of ['pong', 'ping', 'message'] as const) ws.on(sign, alive);

  const timer = setInterval(() => {
    beats += 1;
    // A peer that reads slowly what is queued for it cannot answer a ping that is queued behind it.
    const hasUnread = socket.writableLength > 0;
    silent = isMoving() && hasUnread ? 0 : silent + 1;
    idle = on.isBusy() ? 0 : idle + 1;
    if (silent > DEAD_AFTER_BEATS) return on.dead();
    if (idle > IDLE_AFTER_BEATS) return on.idle();
    on.beat(beats);
  }, everyMs);

  return {
    asked: () => {
      idle = 0;
    },
    stop: () => clearInterval(timer),
  };
};
