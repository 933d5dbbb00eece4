import type { OpenAI } from 'openai';
import { z } from 'zod';
import type { CarriedToCompletions } from '../assistant/to-completions.ts';
import type { Backend, Exchange, RunRequest, Usage, Visitor } from '../chat/ports.ts';
import { createClient, streamMessages, type UpstreamOptions } from './client.ts';
import { isContextFull, RunFailed } from './failures.ts';
import { type CallTool, type RoundEvent, runRounds, type ToolCall, type ToolOutput } from './rounds.ts';

export interface CompletionsOptions extends UpstreamOptions {
  /** The assistant's definition on this wire. */
  readonly carried: () => CarriedToCompletions;
  readonly maxAnswerTokens: number;
  /** OpenAI's own service: it takes parameters that other servers do not know, and refuses one that they do. */
  readonly isOpenAI: boolean;
  readonly safetyIdentifier: (visitor: Visitor) => string;
  readonly callTool: CallTool;
}

/** The part of the transcript that is told where all of it was too much for the model. */
const SHARE_AFTER_FULL = 0.5;

type Message = OpenAI.ChatCompletionMessageParam;

/**
 * Chat Completions: spoken by nearly every server. It keeps no thread, so each run is told the transcript.
 * @see https://platform.openai.com/docs/api-reference/chat
 */
export const createCompletionsBackend = (options: CompletionsOptions): Backend => {
  const client = createClient(options);
  return {
    name: 'completions',
    run: (request) => {
      let messages: Message[] = [];
      let calls: readonly ToolCall[] = [];
      const tell = async (share: number): Promise<void> => {
        messages = [
          { role: 'system', content: options.carried().system },
          ...toMessages(await request.history(share)),
          { role: 'user', content: request.message },
        ];
      };
      async function* heard(): AsyncIterable<RoundEvent> {
        for await (const event of stream(client, options, request, messages)) {
          if (event.type === 'calls') calls = event.calls;
          yield event;
        }
      }
      async function* round(outputs: readonly ToolOutput[]): AsyncIterable<RoundEvent> {
        if (outputs.length > 0) {
          messages.push(...toolMessages(calls, outputs));
          yield* heard();
          return;
        }
        await tell(1);
        try {
          yield* heard();
        } catch (thrown) {
          if (!isContextFull(thrown)) throw thrown;
          await tell(SHARE_AFTER_FULL);
          yield* heard();
        }
      }
      return runRounds(round, request, options.callTool);
    },
  };
};

const toMessages = (history: readonly Exchange[]): Message[] =>
  history.flatMap(({ user, bot }): Message[] => [
    { role: 'user', content: user },
    { role: 'assistant', content: bot },
  ]);

const toolMessages = (calls: readonly ToolCall[], outputs: readonly ToolOutput[]): Message[] => [
  {
    role: 'assistant',
    tool_calls: calls.map(({ callId, name, arguments: text }) => ({
      id: callId,
      type: 'function' as const,
      function: { name, arguments: text },
    })),
  },
  ...outputs.map(({ callId, output }): Message => ({ role: 'tool', tool_call_id: callId, content: output })),
];

const toolCallDelta = z.object({
  index: z.int().min(0).max(127),
  id: z.string().nullish(),
  function: z.object({ name: z.string().nullish(), arguments: z.string().nullish() }).nullish(),
});
const chunk = z.object({
  choices: z
    .array(
      z.object({
        delta: z
          .object({
            content: z.string().nullish(),
            refusal: z.string().nullish(),
            tool_calls: z.array(toolCallDelta).nullish(),
          })
          .nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .default([]),
  usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number() }).nullish(),
  error: z
    .object({ code: z.union([z.string(), z.number()]).nullish(), message: z.string().nullish() })
    .nullish(),
});

async function* stream(
  client: OpenAI,
  options: CompletionsOptions,
  request: RunRequest,
  messages: Message[],
): AsyncIterable<RoundEvent> {
  const { fields } = options.carried();
  const batches = streamMessages(
    (signal) =>
      client.chat.completions.create(
        {
          ...fields,
          model: fields.model ?? '',
          messages,
          // Older servers know only max_tokens; OpenAI's newer models refuse it.
          ...(options.isOpenAI
            ? {
                max_completion_tokens: options.maxAnswerTokens,
                safety_identifier: options.safetyIdentifier(request.visitor),
              }
            : { max_tokens: options.maxAnswerTokens }),
          stream: true,
          stream_options: { include_usage: true },
        },
        { signal },
      ),
    { signal: request.signal, idleTimeout: options.idleTimeout },
  );
  const calls: ToolCall[] = [];
  let finish: string | undefined;
  let usage: Usage | undefined;
  for await (const batch of batches) {
    let text = '';
    for (const { data } of batch) {
      const { choices, usage: counted, error } = chunk.parse(data);
      if (error) throw new RunFailed(error.message ?? 'error in the stream', error.code?.toString());
      const [choice] = choices;
      text += choice?.delta?.content ?? choice?.delta?.refusal ?? '';
      for (const piece of choice?.delta?.tool_calls ?? []) addPiece(calls, piece);
      finish = choice?.finish_reason ?? finish;
      if (counted) usage = { input: counted.prompt_tokens, output: counted.completion_tokens };
    }
    if (text !== '') yield { type: 'delta', text };
  }
  // Usage comes after the finish reason, so the stream is read to its end.
  if (finish === undefined) throw new RunFailed('the stream ended without a finish reason');
  if (calls.length > 0) yield { type: 'calls', calls };
  const truncated = finish === 'length' || finish === 'content_filter';
  yield usage ? { type: 'end', truncated, usage } : { type: 'end', truncated };
}

/** A call comes in pieces: its id and name first, then its arguments bit by bit. */
const addPiece = (calls: ToolCall[], piece: z.output<typeof toolCallDelta>): void => {
  const begun = calls[piece.index] ?? { callId: '', name: '', arguments: '' };
  calls[piece.index] = {
    callId: begun.callId || (piece.id ?? ''),
    name: begun.name || (piece.function?.name ?? ''),
    arguments: begun.arguments + (piece.function?.arguments ?? ''),
  };
};
