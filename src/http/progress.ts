import type { Socket } from 'node:net';

/** Bytes that the kernel has not yet taken of the write that is under way; Node tells it of its own sockets alone. */
const inWriteQueue = (socket: Socket): number => {
  const handle: unknown = '_handle' in socket ? socket._handle : undefined;
  return handle instanceof Object && 'writeQueueSize' in handle && typeof handle.writeQueueSize === 'number'
    ? handle.writeQueueSize
    : 0;
};

/**
 * Watches whether a reader takes what is written to it.
 * @returns Call it from time to time: whether anything was taken since the last call, or nothing is left to take.
 */
export const watchProgress = (socket: Socket): (() => boolean) => {
  let before = { written: 0, queued: 0 };
  return () => {
    const unread = socket.writableLength;
    const now = { written: socket.bytesWritten - unread, queued: inWriteQueue(socket) };
    // A write counts as a whole when its last byte is taken; until then its rest shrinks.
    const isMoving = now.written > before.written || now.queued < before.queued;
    before = now;
    return unread === 0 || isMoving;
  };
};
