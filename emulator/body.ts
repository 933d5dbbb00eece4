/** Reads a request's body, up to a bound. */

import type { IncomingMessage } from 'node:http';

/** Longest body that is accepted, in bytes. */
export const MAX_BODY = 4 * 1024 * 1024;

/** What is read and thrown away of a body that is too long, so that its sender gets to read the refusal. */
const MAX_DRAINED = 16 * MAX_BODY;

/** Calls back once with the body's bytes, or with undefined where it is too long. */
export const readBody = (incoming: IncomingMessage, take: (bytes: Buffer | undefined) => void): void => {
  const chunks: Buffer[] = [];
  let length = 0;
  incoming.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= MAX_BODY) chunks.push(chunk);
    else if (length > MAX_DRAINED) incoming.destroy();
    else chunks.length = 0;
  });
  incoming.once('end', () => {
    if (length > MAX_BODY) take(undefined);
    else take(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
  });
};
