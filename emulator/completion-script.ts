/** The chunks of a chat completion, and the completion as one object. */

import type { OpenAI } from 'openai';
import { ApiError, CONTEXT_FULL, completionContextFull, errorBody } from './api-error.ts';
import { callPieces, type Plan } from './plan.ts';
import { DONE, frameOf, plainEvent, WORDS } from './sse.ts';
import type { Script } from './turn.ts';

type Completion = OpenAI.ChatCompletion;
type Chunk = OpenAI.ChatCompletionChunk;
type Choice = OpenAI.ChatCompletionChunk.Choice;
type FinishReason = OpenAI.ChatCompletion.Choice['finish_reason'];
type ToolCallDelta = OpenAI.ChatCompletionChunk.Choice.Delta.ToolCall;

export interface CompletionParts {
  readonly id: string;
  readonly model: string;
  readonly createdAt: number;
  readonly plan: Plan;
  readonly promptTokens: number;
  /** The last chunk of a stream tells the usage. */
  readonly streamsUsage: boolean;
}

export const completionScript = (parts: CompletionParts): Script => {
  const { id, model, createdAt, plan, promptTokens, streamsUsage } = parts;
  const { ending } = plan;
  const usage: OpenAI.CompletionUsage = {
    prompt_tokens: promptTokens,
    completion_tokens: plan.pieces.length,
    total_tokens: promptTokens + plan.pieces.length,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  };
  const finishReason = (): FinishReason => {
    if (ending.kind !== 'incomplete') return plan.calls.length > 0 ? 'tool_calls' : 'stop';
    return ending.reason === 'content_filter' ? 'content_filter' : 'length';
  };
  const failure = (): ApiError | undefined => {
    if (!('code' in ending)) return undefined;
    return ending.code === CONTEXT_FULL.code
      ? completionContextFull()
      : new ApiError(500, ending.message, ending.code);
  };

  const chunk = (choices: Chunk['choices'], chunkUsage: Chunk['usage'] = null): Chunk => ({
    id,
    object: 'chat.completion.chunk',
    created: createdAt,
    model,
    service_tier: 'default',
    choices,
    ...(streamsUsage && { usage: chunkUsage }),
  });
  const choice = (delta: Choice['delta'], reason: FinishReason | null = null): Choice => ({
    index: 0,
    delta,
    logprobs: null,
    finish_reason: reason,
  });
  const delta = choice(plan.refusal ? { refusal: WORDS } : { content: WORDS });
  const [before, after] = frameOf(plainEvent(chunk([delta])));

  const pieces = callPieces(plan.calls);
  const calls = (...deltas: ToolCallDelta[]): string => plainEvent(chunk([choice({ tool_calls: deltas })]));
  /** The chunks of a piece of a call's arguments; before a call's first piece its name and id. */
  const callChunks = (piece: number): string => {
    const here = pieces[piece];
    if (here === undefined) return '';
    const { call, index, opens, text } = here;
    const { name, callId: id } = call;
    const opening = opens ? calls({ index, id, type: 'function', function: { name, arguments: '' } }) : '';
    return opening + calls({ index, function: { arguments: text } });
  };
  const calling = pieces.length > 0;

  return {
    deltas: plan.pieces.length,
    head: () =>
      plainEvent(chunk([choice({ role: 'assistant', content: calling ? null : '', refusal: null })])),
    delta: (piece) => (calling ? callChunks(piece) : before + JSON.stringify(plan.pieces[piece]) + after),
    tail: () => {
      const failed = failure();
      if (failed !== undefined) return plainEvent(errorBody(failed));
      const last = plainEvent(chunk([choice({}, finishReason())]));
      return last + (streamsUsage ? plainEvent(chunk([], usage)) : '') + DONE;
    },
    json: (): Completion => {
      const failed = failure();
      if (failed !== undefined) throw failed;
      return {
        id,
        object: 'chat.completion',
        created: createdAt,
        model,
        service_tier: 'default',
        choices: [
          {
            index: 0,
            message: {
              role: 'assistant',
              content: plan.refusal || calling ? null : plan.text,
              refusal: plan.refusal ? plan.text : null,
              annotations: [],
              ...(calling && {
                tool_calls: plan.calls.map(({ callId, name, arguments: given }) => ({
                  id: callId,
                  type: 'function' as const,
                  function: { name, arguments: given },
                })),
              }),
            },
            logprobs: null,
            finish_reason: finishReason(),
          },
        ],
        usage,
      };
    },
    settle: () => {},
    cancel: () => '',
  };
};
