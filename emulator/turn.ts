/** One answer in flight: its events in order, at the chosen pace, with the faults that concern its stream. */

import type { ServerResponse } from 'node:http';
import { asApiError } from './api-error.ts';
import type { Strike } from './faults.ts';
import { cut, destroy, sendError, sendJson, sendText } from './http.ts';
import { MALFORMED } from './sse.ts';
import { type Stop, spoil, stopOf } from './stream-faults.ts';

/** What a wire makes of an answer. Nothing here may depend on `head` or `delta` having been asked for. */
export interface Script {
  /** How many deltas there are. */
  readonly deltas: number;
  /** The events before the first delta. */
  head(): string;
  delta(index: number): string;
  /** The events after the last delta. */
  tail(): string;
  /** The answer as one object. @throws ApiError where it is an error. */
  json(): unknown;
  /** Remembers what came of it and frees the thread. Called once, before `tail` and `json`. */
  settle(): void;
  /** Ends it as cancelled; gives the events that tell so. Called instead of `settle`. */
  cancel(): string;
}

/** Where turns are in flight, and how they are by default. */
export interface TurnHost {
  readonly turns: Set<Turn>;
  /** Called when a turn is over and nothing is in flight any more. */
  onIdle(): void;
  /** Milliseconds between two words. */
  readonly pace: number;
  /** Answers are given up when their readers leave. */
  readonly stopsWhenLeft: boolean;
}

export interface Playing {
  readonly script: Script;
  /** Absent where nobody waits for the answer (a run or response in the background). */
  readonly outgoing?: ServerResponse | undefined;
  readonly streamed: boolean;
  readonly strike: Strike | undefined;
  /** The answer is given up when its reader leaves; else as the emulator was told. */
  readonly stopsWhenLeft?: boolean;
}

const SSE = 'text/event-stream; charset=utf-8';
const SSE_HEADERS = { 'content-type': SSE, 'cache-control': 'no-cache' };

export class Turn {
  readonly #host: TurnHost;
  readonly #script: Script;
  readonly #streamed: boolean;
  readonly #strike: Strike | undefined;
  readonly #pace: number;
  #outgoing: ServerResponse | undefined;
  #stop: Stop | undefined;
  #at = 0;
  #next = 0;
  #unsent = '';
  #timer: NodeJS.Timeout | undefined;
  #delay = 0;
  /** When its first word was begun, in the milliseconds of `performance.now()`; pauses do not count. */
  #began = 0;
  #unpause: (() => void) | undefined;
  #over = false;

  constructor(host: TurnHost, playing: Playing) {
    this.#host = host;
    this.#script = playing.script;
    this.#outgoing = playing.outgoing;
    this.#streamed = playing.streamed;
    this.#strike = playing.strike;
    this.#pace = host.pace;
    this.#stop = stopOf(playing.strike?.fault, playing.script.deltas);
    host.turns.add(this);
    if (playing.strike?.fault.kind === 'hang-before-headers') this.#pause(() => this.#begin());
    else this.#begin();
    const stops = playing.stopsWhenLeft ?? host.stopsWhenLeft;
    if (!this.#over) playing.outgoing?.once('close', () => this.#left(stops));
  }

  /** Ends it as cancelled. */
  cancel(): void {
    if (this.#over) return;
    this.#unsent += this.#script.cancel();
    this.#end();
  }

  /** Gives it up without a word: its connection is destroyed, nothing is remembered. */
  drop(): void {
    this.#leaveFlight();
    if (this.#outgoing !== undefined) destroy(this.#outgoing);
  }

  get #streaming(): boolean {
    return this.#streamed && this.#outgoing !== undefined;
  }

  #begin(): void {
    if (this.#streaming) this.#unsent = this.#script.head();
    this.#beginStretch();
    this.#goOn();
  }

  #beginStretch(): void {
    this.#began = performance.now() - this.#at * this.#pace;
  }

  /** Goes on from where it is to where it must wait, or to its end. */
  #goOn(): void {
    if (this.#over) return;
    if (this.#stop?.at === this.#at && !this.#passStop(this.#stop)) return;
    if (this.#at === this.#script.deltas) {
      this.#finish();
      return;
    }
    // Word by word only for a reader; else one wait for all.
    const wordByWord = this.#streaming && this.#pace > 0;
    this.#next = wordByWord ? this.#at + 1 : this.#goal;
    const delay = (this.#next - this.#at) * this.#pace;
    if (delay === 0) this.#reach();
    else {
      this.#flush();
      this.#wait(delay);
    }
  }

  #wait(delay: number): void {
    if (this.#timer !== undefined && delay === this.#delay) {
      this.#timer.refresh();
      return;
    }
    clearTimeout(this.#timer);
    this.#delay = delay;
    this.#timer = setTimeout(() => this.#reach(), delay);
  }

  /** Where it must stop next: at a fault, or at its end. */
  get #goal(): number {
    return this.#stop?.at ?? this.#script.deltas;
  }

  #reach(): void {
    // Timers come late: a word that is overdue goes along, so that the pace holds and a busy server has less to do.
    const due = this.#pace > 0 ? Math.floor((performance.now() - this.#began) / this.#pace) : 0;
    this.#next = Math.min(Math.max(this.#next, due), this.#goal);
    if (this.#streaming) {
      for (let index = this.#at; index < this.#next; index += 1) this.#unsent += this.#script.delta(index);
    }
    this.#at = this.#next;
    this.#goOn();
  }

  /** Lets the fault happen; says whether the turn goes on at once. */
  #passStop({ kind }: Stop): boolean {
    this.#stop = undefined;
    if (kind === 'hang-mid-stream' || kind === 'hold') {
      this.#flush();
      this.#pause(() => {
        this.#beginStretch();
        this.#goOn();
      });
      return false;
    }
    const outgoing = this.#outgoing;
    if (outgoing === undefined) return true;
    if (kind === 'malformed-sse' && this.#streamed) {
      this.#unsent += MALFORMED;
      return true;
    }
    if (!this.#streamed) spoil(outgoing, kind);
    else if (kind === 'cut') {
      this.#flush();
      cut(outgoing);
    } else this.#close(outgoing);
    // From here on nobody reads.
    this.#outgoing = undefined;
    return true;
  }

  #pause(goOn: () => void): void {
    this.#unpause = this.#strike?.pause(() => {
      this.#unpause = undefined;
      goOn();
    });
  }

  #finish(): void {
    this.#script.settle();
    if (this.#streaming) this.#unsent += this.#script.tail();
    this.#end();
  }

  #end(): void {
    this.#leaveFlight();
    const outgoing = this.#outgoing;
    if (outgoing === undefined) return;
    if (this.#streamed) this.#close(outgoing);
    else this.#sendObject(outgoing);
  }

  #sendObject(outgoing: ServerResponse): void {
    try {
      sendJson(outgoing, this.#script.json());
    } catch (thrown) {
      sendError(outgoing, asApiError(thrown));
    }
  }

  #close(outgoing: ServerResponse): void {
    // A whole answer in one write, where nothing of it was sent before.
    if (!outgoing.headersSent) sendText(outgoing, 200, SSE, this.#unsent, { 'cache-control': 'no-cache' });
    else if (!outgoing.destroyed) outgoing.end(this.#unsent);
    this.#unsent = '';
  }

  #flush(): void {
    if (this.#unsent === '' || this.#outgoing === undefined || this.#outgoing.destroyed) return;
    if (!this.#outgoing.headersSent) this.#outgoing.writeHead(200, SSE_HEADERS);
    this.#outgoing.write(this.#unsent);
    this.#unsent = '';
  }

  #left(stops: boolean): void {
    this.#outgoing = undefined;
    this.#unsent = '';
    if (this.#over) return;
    if (stops) this.cancel();
    // What is left needs one wait now, not one a word. A pause stays a pause.
    else if (this.#streamed && this.#timer !== undefined && this.#unpause === undefined) this.#goOn();
  }

  #leaveFlight(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#unpause?.();
    this.#host.turns.delete(this);
    if (this.#host.turns.size === 0) this.#host.onIdle();
  }
}
