/** What all rooms of the emulator share: what it remembers, what is in flight, and how it answers. */

import { randomBytes } from 'node:crypto';
import type { Answer, AnswerTurn } from './answer.ts';
import { ApiError, modelNotFound } from './api-error.ts';
import { Memory } from './memory.ts';
import { type CallTools, type MadeCall, type Offer, type Progress, progressOf, type Said } from './tools.ts';
import type { ToolCall, Transcript } from './transcript.ts';
import type { Turn } from './turn.ts';

/** A model as `GET /v1/models` shows it. */
export interface ModelInfo {
  readonly id: string;
  /** YYYY-MM-DD. */
  readonly shutdown_date?: string | null;
}

/** What the model is asked. */
export interface Asked {
  readonly transcript: Transcript;
  readonly instructions: string | null | undefined;
  readonly model: string;
  readonly offer: Offer | undefined;
  /** Absent where it stands in the transcript. */
  readonly progress?: Progress;
}

export class World {
  readonly memory: Memory;
  readonly turns = new Set<Turn>();
  readonly answer: Answer;
  readonly models: readonly ModelInfo[];
  /** Only these models (assistants) are known; else any is. */
  readonly strictModels: boolean;
  readonly assistants: readonly string[] | undefined;
  /** Answers are given up when their readers leave. */
  readonly stopsWhenLeft: boolean;
  /** Milliseconds between two words. */
  pace: number;
  callTools: CallTools | undefined;
  /** Called when a turn is over and nothing is in flight any more. */
  onIdle: () => void = () => {};
  readonly #idBase = randomBytes(8).toString('hex');
  #ids = 0;

  constructor(options: {
    maxThreads: number;
    answer: Answer;
    pace: number;
    callTools: CallTools | undefined;
    stopsWhenLeft: boolean;
    models: readonly ModelInfo[] | undefined;
    assistants: readonly string[] | undefined;
  }) {
    this.memory = new Memory(options.maxThreads);
    this.answer = options.answer;
    this.pace = options.pace;
    this.callTools = options.callTools;
    this.stopsWhenLeft = options.stopsWhenLeft;
    this.strictModels = options.models !== undefined;
    this.models = options.models ?? [{ id: 'gpt-6-luna' }];
    this.assistants = options.assistants;
  }

  /** A new id: `resp_…`. */
  id(prefix: string): string {
    this.#ids += 1;
    return `${prefix}_${this.#idBase}${this.#ids.toString(16).padStart(16, '0')}`;
  }

  /** Seconds since 1970. */
  now(): number {
    return Math.floor(Date.now() / 1000);
  }

  /** @throws ApiError where this model is not served. */
  requireModel(model: string | null | undefined): string {
    if (!model)
      throw new ApiError(400, "Missing required parameter: 'model'.", 'missing_required_parameter', 'model');
    if (this.strictModels && !this.models.some(({ id }) => id === model)) throw modelNotFound(model);
    return model;
  }

  /** Function calls with ids of their own. */
  made(calls: readonly ToolCall[]): MadeCall[] {
    return calls.map((call) => ({
      name: call.name,
      arguments: call.arguments,
      id: this.id('fc'),
      callId: this.id('call'),
    }));
  }

  /** What the model does about the last message that the user said. */
  say(asked: Asked): Said {
    const { transcript, instructions, model, offer, progress = progressOf(transcript) } = asked;
    const message = transcript.messages.findLast(({ role }) => role === 'user')?.text ?? '';
    const turn: AnswerTurn = {
      message,
      number: transcript.told,
      first: transcript.first ?? message,
      messages: transcript.messages,
      outputs: progress.outputs,
      instructions: instructions ?? undefined,
      model,
    };
    if (offer !== undefined && this.callTools !== undefined) {
      const calls = this.callTools({ ...turn, tools: offer.names, round: progress.round });
      if (calls.length > 0) return { text: '', calls: this.made(offer.parallel ? calls : calls.slice(0, 1)) };
    }
    return { text: this.answer(turn), calls: [] };
  }
}
