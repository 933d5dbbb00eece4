import type { OpenAI } from 'openai';
import { z } from 'zod';
import type { CarriedToCompletions } from '../assistant/to-completions.ts';
import type { Backend, RunRequest } from '../chat/backend-port.ts';
import type { Exchange, Usage, Visitor } from '../chat/model.ts';
import { createClient, streamMessages, type UpstreamOptions } from './client.ts';
import { isContextFull, RunFailed } from './failures.ts';
import { type CallTool, type RoundEvent, runRounds, type ToolCall, type ToolOutput } from './tool-rounds.ts';

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
      let messages: readonly Message[] = [];
      let calls: readonly ToolCall[] = [];
      const told = async (share: number): Promise<Message[]> => [
        { role: 'system', content: options.carried().system },
        ...toMessages(await request.history(share)),
        { role: 'user', content: request.message },
      ];
      /** What a round was told and has called is kept when it has ended well: one that failed is told again. */
      async function* heard(sent: Message[]): AsyncIterable<RoundEvent> {
        let called: readonly ToolCall[] = [];
        for await (const event of stream(client, options, request, sent)) {
          if (event.type === 'calls') called = event.calls;
          else if (event.type === 'end') {
            messages = sent;
            calls = called;
          }
          yield event;
        }
      }
      async function* round(outputs: readonly ToolOutput[]): AsyncIterable<RoundEvent> {
        if (outputs.length > 0) {
          yield* heard([...messages, ...toolMessages(calls, outputs)]);
          return;
        }
        try {
          yield* heard(await told(1));
        } catch (thrown) {
          if (!isContextFull(thrown)) throw thrown;
          yield* heard(await told(SHARE_AFTER_FULL));
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

/** The most functions that a model may call at once. */
const MAX_CALLS = 128;

const toolCallDelta = z.object({
  index: z
    .int()
    .min(0)
    .max(MAX_CALLS - 1)
    .nullish(),
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
            tool_calls: z.array(toolCallDelta).max(MAX_CALLS).nullish(),
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
  const calls: (ToolCall | undefined)[] = [];
  let finish: string | undefined;
  let usage: Usage | undefined;
  for await (const batch of batches) {
    let text = '';
    for (const { data } of batch) {
      const { choices, usage: counted, error } = chunk.parse(data);
      if (error) throw new RunFailed(error.message ?? 'error in the stream', error.code?.toString());
      const [choice] = choices;
      text += choice?.delta?.content ?? choice?.delta?.refusal ?? '';
      addPieces(calls, choice?.delta?.tool_calls ?? []);
      finish = choice?.finish_reason ?? finish;
      if (counted) usage = { input: counted.prompt_tokens, output: counted.completion_tokens };
    }
    if (text !== '') yield { type: 'delta', text };
  }
  // Usage comes after the finish reason, so the stream is read to its end.
  if (finish === undefined) throw new RunFailed('the stream ended without a finish reason');
  // Where the server left out an index, there is a hole.
  const called = calls.filter((call) => call !== undefined);
  if (called.length > 0) yield { type: 'calls', calls: called };
  const truncated = finish === 'length' || finish === 'content_filter';
  yield usage ? { type: 'end', truncated, usage } : { type: 'end', truncated };
}

type CallPiece = z.output<typeof toolCallDelta>;

/** A call comes in pieces: its id and name first, then its arguments bit by bit. */
const addPieces = (calls: (ToolCall | undefined)[], pieces: readonly CallPiece[]): void => {
  for (const [place, piece] of pieces.entries()) {
    const index = piece.index ?? indexOf(calls, piece, place, pieces.length);
    if (index >= MAX_CALLS) throw new RunFailed(`more than ${MAX_CALLS} functions are called at once`);
    const begun = calls[index] ?? { callId: '', name: '', arguments: '' };
    calls[index] = {
      callId: begun.callId || (piece.id ?? ''),
      name: begun.name || (piece.function?.name ?? ''),
      arguments: begun.arguments + (piece.function?.arguments ?? ''),
    };
  }
};

/** Some servers give no index: a new id is a new call, and without one the last calls go on, in their order. */
const indexOf = (
  calls: readonly (ToolCall | undefined)[],
  { id }: CallPiece,
  place: number,
  count: number,
): number => {
  if (!id) return place + Math.max(0, calls.length - count);
  const known = calls.findIndex((call) => call?.callId === id);
  return known < 0 ? calls.length : known;
};
