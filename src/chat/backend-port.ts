/** What the core needs of an upstream; `backends/` implements it. */

import type { Exchange, Source, UpstreamThread, Usage, Visitor } from './model.ts';

/** What a backend reports of a run, in order. */
export type RunEvent =
  /** This backend is asked now; where it fails, another may be asked after it. */
  | { readonly type: 'asked'; readonly backend: string; readonly model?: string | undefined }
  /** A thread was made (or replaced) for this visitor. */
  | { readonly type: 'thread'; readonly thread: UpstreamThread }
  | { readonly type: 'delta'; readonly text: string }
  /** What was said last is from there: the upstream searched by itself. */
  | { readonly type: 'cited'; readonly source: Omit<Source, 'n'> }
  /** Functions of the assistant are being called: the run cannot be restarted without repeating their side effects. */
  | { readonly type: 'called'; readonly names: readonly string[] }
  /**
   * The run is complete. Always the last; a run without it has failed.
   * `model`: the one that answered, where the upstream tells.
   */
  | {
      readonly type: 'end';
      readonly truncated: boolean;
      readonly usage?: Usage;
      readonly model?: string;
    };

export interface RunRequest {
  /** Names the exchange that the run belongs to. */
  readonly exchangeId: string;
  readonly visitor: Visitor;
  /** Whether the site has verified who the visitor is. */
  readonly verified: boolean;
  readonly message: string;
  /** Quoted material for this run alone: it goes beside the instructions, never into the thread. */
  readonly context?: string;
  /** The visitor's thread, if there is one; it may have been made by another backend. */
  readonly thread: UpstreamThread | undefined;
  /**
   * What of the transcript a stateless upstream, or a rebuilt thread, is told; oldest first.
   * @param maxChars UTF-16 units, where the usual length was too much.
   */
  history(maxChars?: number): Promise<readonly Exchange[]>;
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
  /**
   * Deletes a thread at the upstream; absent where there are none. One that is not there any more, or that another
   * backend made, is no failure.
   * @throws AppError with an `upstream_…` code; it can be tried again.
   */
  forget?(thread: UpstreamThread, signal?: AbortSignal): Promise<void>;
}
