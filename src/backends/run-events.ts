import { z } from 'zod';
import type { StreamMessage } from './client.ts';
import { RunFailed } from './failures.ts';
import type { RoundEvent, ToolCall } from './tool-rounds.ts';

/**
 * What a run's stream on the Assistants wire says, as far as it is used here.
 * @see https://platform.openai.com/docs/api-reference/assistants-streaming
 */
export const runObject = z.object({
  id: z.string().min(1),
  thread_id: z.string().min(1),
  usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number() }).nullish(),
  last_error: z.object({ code: z.string().nullish(), message: z.string().nullish() }).nullish(),
  required_action: z
    .object({
      submit_tool_outputs: z
        .object({
          tool_calls: z.array(
            z.object({ id: z.string(), function: z.object({ name: z.string(), arguments: z.string() }) }),
          ),
        })
        .nullish(),
    })
    .nullish(),
});
export const messageDelta = z.object({
  id: z.string(),
  delta: z.object({
    content: z
      .array(
        z.object({
          text: z.object({ value: z.string().nullish() }).nullish(),
          refusal: z.string().nullish(),
        }),
      )
      .nullish(),
  }),
});
const errorData = z.object({
  error: z.object({ code: z.string().nullish(), message: z.string().nullish() }).optional(),
  code: z.string().nullish(),
  message: z.string().nullish(),
});

/** The end that an event means, or the functions that the run waits for; undefined where it goes on. */
export const endOf = ({
  event,
  data,
}: StreamMessage): Extract<RoundEvent, { type: 'end' }> | RunFailed | ToolCall[] | undefined => {
  switch (event) {
    case 'thread.run.completed':
    case 'thread.run.incomplete': {
      const { usage } = runObject.parse(data);
      const truncated = event === 'thread.run.incomplete';
      if (!usage) return { type: 'end', truncated };
      return {
        type: 'end',
        truncated,
        usage: { input: usage.prompt_tokens, output: usage.completion_tokens },
      };
    }
    case 'thread.run.failed': {
      const { last_error: error } = runObject.parse(data);
      return new RunFailed(error?.message ?? event, error?.code);
    }
    case 'thread.run.requires_action': {
      const { required_action: action } = runObject.parse(data);
      const calls = action?.submit_tool_outputs?.tool_calls ?? [];
      if (calls.length === 0) return new RunFailed(event, 'unsupported_requires_action');
      return calls.map((call) => ({
        callId: call.id,
        name: call.function.name,
        arguments: call.function.arguments,
      }));
    }
    case 'thread.run.expired':
    case 'thread.run.cancelled':
      return new RunFailed(event);
    case 'error': {
      const { error, ...flat } = errorData.parse(data);
      return new RunFailed(error?.message ?? flat.message ?? event, error?.code ?? flat.code);
    }
    default:
      return undefined;
  }
};
