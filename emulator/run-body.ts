/** What a run is asked to do: the bodies of its making and of the outputs that it waits for. */

import type { OpenAI } from 'openai';
import { z } from 'zod';
import { ApiError } from './api-error.ts';
import type { StoredAssistant } from './memory.ts';
import type { RunEcho, StoredRun } from './run-object.ts';
import { Metadata, ResponseFormat, Temperature, ThreadMessage, TopP } from './shapes.ts';
import { ThreadBody } from './threads.ts';
import { AssistantTools } from './tools.ts';
import type { ToolOutput } from './transcript.ts';

type Run = OpenAI.Beta.Threads.Run;

export const RunBody = z.object({
  assistant_id: z.string(),
  model: z.string().nullish(),
  instructions: z.string().nullish(),
  additional_instructions: z.string().nullish(),
  additional_messages: z.array(ThreadMessage).nullish(),
  max_completion_tokens: z.number().int().min(1).nullish(),
  max_prompt_tokens: z.number().int().min(1).nullish(),
  metadata: Metadata.nullish(),
  tools: AssistantTools.nullish(),
  tool_choice: z.custom<Run['tool_choice']>().nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  temperature: Temperature.nullish(),
  top_p: TopP.nullish(),
  response_format: ResponseFormat.nullish(),
  truncation_strategy: z.custom<Run['truncation_strategy']>().nullish(),
  stream: z.boolean().nullish(),
});

export const FirstRunBody = RunBody.extend({ thread: ThreadBody.nullish() });

export type RunInput = z.infer<typeof RunBody>;

export const OutputsBody = z.object({
  tool_outputs: z.array(z.object({ tool_call_id: z.string().nullish(), output: z.string().nullish() })),
  stream: z.boolean().nullish(),
});

/** What a run goes by: what its request says, else what its assistant does. */
export const settingsOf = (body: RunInput, assistant: StoredAssistant): RunEcho['settings'] => ({
  tools: body.tools ?? assistant.tools,
  temperature: body.temperature ?? assistant.temperature ?? 1,
  top_p: body.top_p ?? assistant.top_p ?? 1,
  max_completion_tokens: body.max_completion_tokens ?? null,
  max_prompt_tokens: body.max_prompt_tokens ?? null,
  truncation_strategy: body.truncation_strategy ?? { type: 'auto', last_messages: null },
  response_format: body.response_format ?? assistant.response_format ?? 'auto',
  tool_choice: body.tool_choice ?? 'auto',
  parallel_tool_calls: body.parallel_tool_calls ?? true,
});

const idList = (ids: readonly string[]): string => `[${ids.map((id) => `'${id}'`).join(', ')}]`;

/**
 * The outputs of exactly the calls that a run waits for.
 * @throws ApiError 400 where it waits for none, or for others.
 */
export const outputsFor = (run: StoredRun, body: z.infer<typeof OutputsBody>): ToolOutput[] => {
  if (run.status !== 'requires_action') {
    throw new ApiError(400, `Runs in status "${run.status}" do not accept tool outputs.`);
  }
  const calls = run.waitingFor;
  const given = body.tool_outputs.map(({ tool_call_id: id }) => id ?? '');
  const same = given.length === calls.length && calls.every(({ callId }) => given.includes(callId));
  if (!same) {
    const expected = idList(calls.map(({ callId }) => callId));
    throw new ApiError(400, `Expected tool outputs for call_ids ${expected}, got ${idList(given)}`);
  }
  return body.tool_outputs.flatMap(({ tool_call_id: id, output }) =>
    calls
      .filter(({ callId }) => callId === id)
      .map(({ callId, name, arguments: asked }) => ({
        callId,
        name,
        arguments: asked,
        output: output ?? '',
      })),
  );
};
