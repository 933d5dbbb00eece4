/** What the emulator remembers: threads of both kinds, responses, assistants. All of it is bounded. */

import type { OpenAI } from 'openai';
import type { StoredResponse } from './response-object.ts';
import type { StoredRun } from './run-object.ts';
import type { Metadata } from './shapes.ts';
import { Shelf } from './shelf.ts';
import { Transcript } from './transcript.ts';

/** At most so many UTF-16 units are remembered of all threads together, and as many of all responses. */
const MAX_CHARS = 32 * 1024 * 1024;
const MAX_RESPONSES = 2_000;
const MAX_ASSISTANTS = 1_000;
/** The last runs of a thread that can still be asked for. */
const MAX_RUNS = 20;

/** What a thread weighs beside what it holds, in characters. */
const THREAD_WEIGHT = 500;

/** An assistant on the wire; the SDK's type does not know of its `reasoning_effort`. */
export type StoredAssistant = Required<OpenAI.Beta.Assistant> & { readonly reasoning_effort: string | null };

/** A conversation (Responses wire) or a thread (Assistants wire). */
export class Thread {
  readonly id: string;
  readonly kind: 'conversation' | 'thread';
  readonly createdAt: number;
  metadata: Metadata;
  readonly transcript = new Transcript();
  /** The response or run that holds this thread. */
  active: { readonly id: string } | undefined;
  readonly runs: StoredRun[] = [];
  #runWeight = 0;

  constructor(kind: 'conversation' | 'thread', id: string, createdAt: number, metadata: Metadata) {
    this.kind = kind;
    this.id = id;
    this.createdAt = createdAt;
    this.metadata = metadata;
  }

  get weight(): number {
    return THREAD_WEIGHT + this.transcript.chars + this.#runWeight;
  }

  addRun(run: StoredRun): void {
    this.runs.push(run);
    this.#runWeight += run.weight;
    if (this.runs.length > MAX_RUNS) this.#runWeight -= this.runs.shift()?.weight ?? 0;
  }

  /** To be called when a run has grown. */
  recountRuns(): void {
    this.#runWeight = this.runs.reduce((sum, run) => sum + run.weight, 0);
  }
}

export class Memory {
  readonly threads: Shelf<Thread>;
  readonly responses: Shelf<StoredResponse>;
  readonly assistants: Shelf<StoredAssistant>;

  constructor(maxThreads: number) {
    this.threads = new Shelf({
      count: maxThreads,
      weight: MAX_CHARS,
      weigh: (thread) => thread.weight,
      pinned: (thread) => thread.active !== undefined,
    });
    this.responses = new Shelf({
      count: MAX_RESPONSES,
      weight: MAX_CHARS,
      weigh: (stored) => stored.weight,
      pinned: (stored) => stored.inFlight,
    });
    this.assistants = new Shelf({
      count: MAX_ASSISTANTS,
      weight: MAX_CHARS,
      weigh: (assistant) => JSON.stringify(assistant).length,
      pinned: () => false,
    });
  }

  thread(kind: Thread['kind'], id: string): Thread | undefined {
    const thread = this.threads.get(id);
    return thread?.kind === kind ? thread : undefined;
  }

  clear(): void {
    this.threads.clear();
    this.responses.clear();
    this.assistants.clear();
  }
}
