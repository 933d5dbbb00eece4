/** The faults that concern how an answer is sent. */

import type { ServerResponse } from 'node:http';
import type { Fault } from './faults.ts';
import { cut, sendText } from './http.ts';

/** How an answer is spoiled on its way: what is generated is not touched by it. */
export type Spoiling = 'cut' | 'end-early' | 'malformed-sse';

/** What stops or spoils a stream, and after how many deltas. */
export interface Stop {
  readonly kind: Spoiling | 'hang-mid-stream' | 'hold';
  readonly at: number;
}

/** After how many deltas a stream breaks, where the fault does not say. */
const BREAKS_AFTER = 3;

/** @param deltas How many there will be. */
export const stopOf = (fault: Fault | undefined, deltas: number): Stop | undefined => {
  switch (fault?.kind) {
    case 'hang-mid-stream':
    case 'cut':
    case 'malformed-sse':
      return { kind: fault.kind, at: Math.min(fault.afterDeltas ?? BREAKS_AFTER, deltas) };
    case 'hold':
      return { kind: fault.kind, at: Math.min(fault.afterDeltas ?? 0, deltas) };
    case 'end-early':
      return { kind: fault.kind, at: Math.min(fault.afterDeltas ?? deltas, deltas) };
    default:
      return undefined;
  }
};

/** What a spoiled JSON answer begins with. */
const FRAGMENT = '{"id": "';

/** Answers with JSON that breaks off; after `cut` the connection does so too. */
export const spoil = (outgoing: ServerResponse, kind: Spoiling): void => {
  if (outgoing.destroyed) return;
  if (kind === 'cut') {
    outgoing.writeHead(200, { 'content-type': 'application/json' });
    outgoing.write(FRAGMENT);
    cut(outgoing);
  } else sendText(outgoing, 200, 'application/json', FRAGMENT);
};
