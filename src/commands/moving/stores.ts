import type { LogLine, LogRow } from '../../log-file/log-row.ts';
import type { MovedFacts } from '../../log-file/moving-store.ts';
import type { Summary } from './summary.ts';

/** An exchange in both forms. */
export interface Moving {
  readonly id: string;
  readonly line: LogLine;
  readonly row: LogRow;
}

/** A store that is read as a whole. Nothing else may write to it meanwhile. */
export interface Source {
  /** What it is called in notes and messages; never with a password. */
  readonly name: string;
  /** What cannot be taken along, in words; most often nothing. */
  readonly remarks: readonly string[];
  /** All exchanges, each key's in their order; the same each time. */
  pages(): AsyncIterable<readonly Moving[]>;
  facts(): Promise<MovedFacts>;
  /** Makes sure that nobody has used it meanwhile. @throws Refusal */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** What a move is told of its surroundings. */
export interface Run {
  readonly signal: AbortSignal;
  /** @param done Exchanges that are done. */
  onProgress(done: number): void;
}

/** A store that is filled as a whole. */
export interface Target {
  readonly name: string;
  /**
   * Puts a note there, which keeps servers away until {@link complete}, and goes on where the same move was cut off.
   * @throws Refusal where it has data of its own, or of another move.
   */
  begin(from: string, all: Summary): Promise<void>;
  /** Writes all of it. @returns What was read for it. */
  fill(source: Source, facts: MovedFacts, run: Run): Promise<void>;
  /** What is there now. */
  pages(): AsyncIterable<readonly Moving[]>;
  facts(): Promise<MovedFacts>;
  /** What is there is not what was read: the next run of the move begins anew. */
  distrust(): Promise<void>;
  /** Takes the note away. */
  complete(): Promise<void>;
  close(): Promise<void>;
}
