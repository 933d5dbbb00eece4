/** A run of the Assistants wire, as it is remembered and as it is shown. */

import type { OpenAI } from 'openai';
import { CONTEXT_FULL } from './api-error.ts';
import type { Plan } from './plan.ts';
import type { Metadata } from './shapes.ts';
import { tokensOf } from './tokens.ts';
import type { ToolOutput } from './transcript.ts';
import type { Turn } from './turn.ts';

type Run = OpenAI.Beta.Threads.Run;
type RunStatus = OpenAI.Beta.Threads.RunStatus;

/** A run that is active for longer expires, says OpenAI; here it only says so. */
const EXPIRES_AFTER_SECONDS = 600;

/** What a run weighs beside what it holds, in characters. */
const RUN_WEIGHT = 500;

const ACTIVE: readonly RunStatus[] = ['queued', 'in_progress', 'requires_action', 'cancelling'];

/** What the request and the assistant say that the run repeats. */
export interface RunEcho {
  readonly id: string;
  readonly thread: string;
  readonly assistant: string;
  readonly model: string;
  readonly instructions: string;
  readonly createdAt: number;
  readonly metadata: Metadata;
  readonly settings: Pick<
    Run,
    | 'tools'
    | 'temperature'
    | 'top_p'
    | 'max_completion_tokens'
    | 'max_prompt_tokens'
    | 'truncation_strategy'
    | 'response_format'
    | 'tool_choice'
    | 'parallel_tool_calls'
  >;
}

/** A step of a run: it calls functions, or it answers. */
export interface Stage {
  readonly plan: Plan;
  readonly step: string;
  readonly message: string;
  /** How long all is that it is based on. */
  readonly promptChars: number;
}

export const usageOf = (promptTokens: number, completionTokens: number) => ({
  prompt_tokens: promptTokens,
  completion_tokens: completionTokens,
  total_tokens: promptTokens + completionTokens,
});

export class StoredRun {
  readonly echo: RunEcho;
  readonly stages: Stage[];
  /** What the functions gave that it called, in the order in which it came. */
  readonly outputs: ToolOutput[] = [];
  #status: RunStatus = 'in_progress';
  #endedAt: number | null = null;
  #turn: Turn | undefined;

  constructor(echo: RunEcho, stage: Stage) {
    this.echo = echo;
    this.stages = [stage];
  }

  get id(): string {
    return this.echo.id;
  }

  get weight(): number {
    let weight = RUN_WEIGHT + this.echo.instructions.length;
    for (const { plan } of this.stages) {
      weight += plan.text.length;
      for (const call of plan.calls) weight += call.arguments.length;
    }
    for (const { output } of this.outputs) weight += output.length;
    return weight;
  }

  get status(): RunStatus {
    return this.#status;
  }

  /** It holds its thread. */
  get active(): boolean {
    return ACTIVE.includes(this.#status);
  }

  /** The plan of its last stage. */
  get #plan(): Plan | undefined {
    return this.stages.at(-1)?.plan;
  }

  /** The calls that it waits for. */
  get waitingFor(): Plan['calls'] {
    return this.#status === 'requires_action' ? (this.#plan?.calls ?? []) : [];
  }

  /** Tells it what generates it; that may be over already. */
  begin(turn: Turn): void {
    if (this.#status === 'in_progress') this.#turn = turn;
  }

  /** It goes on with what it waited for. */
  goOn(stage: Stage, outputs: readonly ToolOutput[]): void {
    this.stages.push(stage);
    this.outputs.push(...outputs);
    this.#status = 'in_progress';
  }

  end(status: RunStatus, now: number): void {
    this.#status = status;
    this.#endedAt = now;
    this.#turn = undefined;
  }

  /** Cancels it while it is generated; says whether it was. */
  cancelTurn(): boolean {
    this.#turn?.cancel();
    return !this.active;
  }

  get #usage(): Run['usage'] {
    if (this.active) return null;
    let prompt = 0;
    let completion = 0;
    for (const { plan, promptChars } of this.stages) {
      prompt += tokensOf(promptChars);
      completion += plan.pieces.length;
    }
    return usageOf(prompt, completion);
  }

  get #lastError(): Run['last_error'] {
    const ending = this.#plan?.ending;
    if (this.#status !== 'failed' || ending === undefined || !('code' in ending)) return null;
    const { code, message } = ending;
    return { code: code === CONTEXT_FULL.code ? 'server_error' : code, message };
  }

  get #incompleteDetails(): Run['incomplete_details'] {
    const ending = this.#plan?.ending;
    if (this.#status !== 'incomplete' || ending?.kind !== 'incomplete') return null;
    return ending.reason === 'max_output_tokens' ? { reason: 'max_completion_tokens' } : {};
  }

  get #requiredAction(): Run['required_action'] {
    if (this.#status !== 'requires_action') return null;
    const calls = this.waitingFor.map(({ callId: id, name, arguments: given }) => ({
      id,
      type: 'function' as const,
      function: { name, arguments: given },
    }));
    return { type: 'submit_tool_outputs', submit_tool_outputs: { tool_calls: calls } };
  }

  /** @param status As which it is shown, where that is not what it is. */
  object(status: RunStatus = this.#status): Run {
    const { echo } = this;
    const endedAs = (wanted: RunStatus) => (status === wanted ? this.#endedAt : null);
    return {
      id: echo.id,
      object: 'thread.run',
      created_at: echo.createdAt,
      thread_id: echo.thread,
      assistant_id: echo.assistant,
      status,
      started_at: status === 'queued' ? null : echo.createdAt,
      expires_at: this.active ? echo.createdAt + EXPIRES_AFTER_SECONDS : null,
      cancelled_at: endedAs('cancelled'),
      failed_at: endedAs('failed'),
      completed_at: endedAs('completed'),
      required_action: this.#requiredAction,
      last_error: this.#lastError,
      incomplete_details: this.#incompleteDetails,
      model: echo.model,
      instructions: echo.instructions,
      metadata: echo.metadata,
      usage: this.#usage,
      ...echo.settings,
    };
  }
}
