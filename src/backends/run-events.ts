import { newCallId } from './called-functions.ts';
import type { StreamMessage } from './event-stream.ts';
import { contentText, fields, json, list, text, usageOf } from './lenient.ts';
import type { RoundEvent, ToolCall } from './tool-rounds.ts';
import { failureIn, RunFailed } from './upstream-fault.ts';

/**
 * What a run's stream on the Assistants wire says, as far as it is used here.
 * @see https://platform.openai.com/docs/api-reference/assistants-streaming
 */

/** The text of a `thread.message.delta`, and the message that it belongs to. */
export const deltaOf = (data: unknown): { message: unknown; text: string } => {
  const { id, delta } = fields(data);
  return { message: id, text: contentText(fields(delta).content) };
};

/** The end that an event means, or the functions that the run waits for; undefined where it goes on. */
export const endOf = ({
  event,
  data,
}: StreamMessage): Extract<RoundEvent, { type: 'end' }> | RunFailed | ToolCall[] | undefined => {
  const run = fields(data);
  switch (event) {
    case 'thread.run.completed':
    case 'thread.run.incomplete': {
      const usage = usageOf(run.usage);
      const model = text(run.model);
      return {
        type: 'end',
        truncated: event === 'thread.run.incomplete' || run.status === 'incomplete',
        ...(usage ? { usage } : {}),
        ...(model === undefined ? {} : { model }),
      };
    }
    case 'thread.run.failed':
      return failureIn(run.last_error) ?? new RunFailed(event);
    case 'thread.run.requires_action': {
      const action = fields(fields(run.required_action).submit_tool_outputs);
      const calls = list(action.tool_calls).map(fields);
      if (calls.length === 0) return new RunFailed(event, 'unsupported_requires_action');
      return calls.map((call) => ({
        callId: text(call.id) ?? newCallId(),
        name: text(fields(call.function).name) ?? '',
        arguments: json(fields(call.function).arguments) ?? '',
      }));
    }
    case 'thread.run.expired':
    case 'thread.run.cancelled':
      return new RunFailed(event);
    case 'error':
      return failureIn(run.error) ?? failureIn(run) ?? new RunFailed(event);
    case undefined:
      // An answer that is not streamed has nothing but an error to say.
      return failureIn(run.error);
    default:
      return undefined;
  }
};
