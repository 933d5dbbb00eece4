/** What the core needs of an upstream; `backends/` implements it. */

import type { Exchange, UpstreamThread, Usage, Visitor } from './model.ts';

/** What a backend reports of a run, in order. */
export type RunEvent =
  /** A thread was made (or replaced) for this visitor. */
  | { readonly type: 'thread'; readonly thread: UpstreamThread }
  | { readonly type: 'delta'; readonly text: string }
  /** Functions of the assistant are being called: the run cannot be begun again without doing their work twice. */
  | { readonly type: 'called' }
  /** The run is complete. Always the last; a run without it has failed. */
  | { readonly type: 'end'; readonly truncated: boolean; readonly usage?: Usage };

export interface RunRequest {
  /** Names the exchange that the run belongs to. */
  readonly exchangeId: string;
  readonly visitor: Visitor;
  /** Whether the site itself vouches for who the visitor is. */
  readonly verified: boolean;
  readonly message: string;
  /** Quoted material for this run alone: it goes beside the instructions, never into the thread. */
  readonly context?: string;
  /** The visitor's thread, if there is one; it may have been made by another backend. */
  readonly thread: UpstreamThread | undefined;
  /**
   * What of the transcript a stateless upstream, or a thread made anew, is told; oldest first.
   * @param share The part of the usual length, 0 to 1, where all of it was too much.
   */
  history(share?: number): Promise<readonly Exchange[]>;
  /** Ends the run, at the upstream too. Its reason is an AppError. */
  readonly signal: AbortSignal;
  /** When the whole turn must be over: milliseconds since 1970. */
  readonly deadline: number;
}

/** An upstream that runs the assistant. */
export interface Backend {
  readonly name: string;
  /**
   * Runs the assistant on one message.
   * @throws AppError with an `upstream_…` code, or the signal's reason.
   */
  run(request: RunRequest): AsyncIterable<RunEvent>;
}
