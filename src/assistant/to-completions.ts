import type { OpenAI } from 'openai';
import { type Carried, type CarryOptions, compact, formatOf, nestedFunction, orAbsent } from './carried.ts';
import { DEFAULT_INSTRUCTIONS } from './default.ts';
import type { AssistantDefinition } from './definition.ts';

type Params = OpenAI.ChatCompletionCreateParams;

/** The assistant's part of `POST /v1/chat/completions`, but for its instructions. */
export type CompletionsFields = Pick<
  Params,
  'temperature' | 'top_p' | 'response_format' | 'reasoning_effort' | 'tools'
> & {
  /** Absent only where neither file nor settings name one. */
  readonly model?: string;
};

export interface CarriedToCompletions extends Carried<CompletionsFields> {
  /** The instructions: the text of the first message, of role `system`. */
  readonly system: string;
}

/**
 * The definition on the Chat Completions wire.
 * @see https://platform.openai.com/docs/api-reference/chat/create
 */
export const toCompletions = (
  definition: AssistantDefinition,
  { model }: CarryOptions,
): CarriedToCompletions => {
  const dropped: string[] = [];
  const tools: OpenAI.ChatCompletionTool[] = [];
  for (const [index, tool] of (definition.tools ?? []).entries()) {
    if (tool.type === 'function') tools.push(nestedFunction(tool));
    else {
      dropped.push(
        `tools[${index}] (${tool.type}) is not offered: Chat Completions has functions only${tool.type === 'file_search' ? ', so the assistant cannot search its files' : ''}.`,
      );
    }
  }
  if (orAbsent(definition.metadata)) {
    // OpenAI refuses it without `store`, and other servers do not know it.
    dropped.push('metadata is not sent: Chat Completions takes it only with answers that are kept there.');
  }
  const fields = compact<CompletionsFields>({
    model: definition.model ?? model,
    temperature: definition.temperature,
    top_p: definition.top_p,
    response_format: formatOf(definition),
    reasoning_effort: definition.reasoning_effort,
    tools: orAbsent(tools),
  });
  return { system: definition.instructions ?? DEFAULT_INSTRUCTIONS, fields, dropped };
};
