/** A response of the Responses wire, as it is remembered and as it is shown. */

import type { OpenAI } from 'openai';
import type { OutputEntry } from './items.ts';
import type { Ending, Plan } from './plan.ts';
import type { Metadata } from './shapes.ts';
import { tokensOf } from './tokens.ts';
import type { Transcript } from './transcript.ts';
import type { Turn } from './turn.ts';

type ResponseStatus = OpenAI.Responses.ResponseStatus;
type ErrorCode = OpenAI.Responses.ResponseError['code'];

/** A response on the wire; the SDK adds `output_text` itself. */
export type WireResponse = Omit<OpenAI.Responses.Response, 'output_text'>;

/** What the request said that its response repeats. */
export interface ResponseEcho {
  readonly id: string;
  readonly createdAt: number;
  readonly model: string;
  readonly instructions: string | null;
  readonly conversation: string | null;
  readonly previous: string | null;
  readonly metadata: Metadata;
  readonly maxOutputTokens: number | null;
  readonly safetyIdentifier: string | null;
  readonly truncation: 'auto' | 'disabled';
  readonly background: boolean;
  readonly store: boolean;
  readonly tools: OpenAI.Responses.Tool[];
  readonly toolChoice: WireResponse['tool_choice'];
  readonly parallel: boolean;
}

const incompleteReason = (ending: Ending) =>
  ending.kind === 'incomplete' ? { reason: ending.reason } : null;

const statusOf = ({ kind }: Ending): ResponseStatus =>
  kind === 'completed' || kind === 'incomplete' ? kind : 'failed';

export class StoredResponse {
  readonly echo: ResponseEcho;
  readonly plan: Plan;
  /** What a response that belongs to no conversation knows: the input and, once it is over, the answer. */
  readonly transcript: Transcript | undefined;
  readonly #inputTokens: number;
  status: ResponseStatus = 'in_progress';
  output: OutputEntry[] = [];
  #turn: Turn | undefined;
  #completedAt: number | null = null;

  /** @param asked All that the answer is based on. */
  constructor(echo: ResponseEcho, plan: Plan, asked: Transcript) {
    this.echo = echo;
    this.plan = plan;
    this.transcript = echo.conversation === null ? asked : undefined;
    this.#inputTokens = tokensOf(asked.chars + (echo.instructions?.length ?? 0));
  }

  get weight(): number {
    const { text, calls } = this.plan;
    const said = calls.reduce((sum, call) => sum + call.arguments.length, text.length);
    const held = this.transcript?.chars ?? said;
    return held + (this.echo.instructions?.length ?? 0);
  }

  get inFlight(): boolean {
    return this.status === 'in_progress';
  }

  /** Tells it what generates it; that may be over already. */
  begin(turn: Turn): void {
    if (this.inFlight) this.#turn = turn;
  }

  /** Cancels it, if it is in flight. */
  cancel(): void {
    this.#turn?.cancel();
  }

  /** Ends it as planned, or as cancelled. */
  end(now: number, cancelled = false): void {
    this.status = cancelled ? 'cancelled' : statusOf(this.plan.ending);
    this.#completedAt = this.status === 'completed' ? now : null;
    this.#turn = undefined;
  }

  get #error(): WireResponse['error'] {
    const { ending } = this.plan;
    if (this.status !== 'failed' || !('code' in ending)) return null;
    // The wire knows more codes than the SDK's types.
    return { code: ending.code as ErrorCode, message: ending.message };
  }

  get #usage(): OpenAI.Responses.ResponseUsage | undefined {
    if (this.status !== 'completed' && this.status !== 'incomplete') return undefined;
    const output = this.plan.pieces.length;
    return {
      input_tokens: this.#inputTokens,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: this.#inputTokens + output,
    };
  }

  object(): WireResponse {
    const { echo } = this;
    const usage = this.#usage;
    return {
      id: echo.id,
      object: 'response',
      created_at: echo.createdAt,
      status: this.status,
      background: echo.background,
      completed_at: this.#completedAt,
      error: this.#error,
      incomplete_details: this.status === 'incomplete' ? incompleteReason(this.plan.ending) : null,
      instructions: echo.instructions,
      max_output_tokens: echo.maxOutputTokens,
      model: echo.model,
      output: this.output,
      parallel_tool_calls: echo.parallel,
      previous_response_id: echo.previous,
      conversation: echo.conversation === null ? null : { id: echo.conversation },
      reasoning: { effort: null, summary: null },
      safety_identifier: echo.safetyIdentifier,
      service_tier: 'default',
      temperature: 1,
      text: { format: { type: 'text' }, verbosity: 'medium' },
      tool_choice: echo.toolChoice,
      tools: echo.tools,
      top_p: 1,
      truncation: echo.truncation,
      ...(usage && { usage }),
      metadata: echo.metadata,
      access_programs: null,
    };
  }
}
