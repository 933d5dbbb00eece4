import type { OpenAI } from 'openai';
import { z } from 'zod';
import type { ResponsesFields } from '../assistant/to-responses.ts';
import type { Backend, RunRequest } from '../chat/backend-port.ts';
import type { Exchange, Visitor } from '../chat/model.ts';
import { upstreamFailed } from '../errors.ts';
import { createClient, streamMessages, type UpstreamOptions } from './client.ts';
import { RunFailed } from './failures.ts';
import { type CallTool, type RoundEvent, runRounds, type ToolCall, type ToolOutput } from './tool-rounds.ts';
import { onUsableThread } from './usable-thread.ts';

export interface ResponsesOptions extends UpstreamOptions {
  readonly fingerprint: () => string;
  /** What the assistant's definition says on this wire: model, instructions, tools, … */
  readonly fields: () => ResponsesFields;
  readonly maxAnswerTokens: number;
  /** How long a conversation that is locked is waited for, in milliseconds, before it is replaced. */
  readonly lockWait: number;
  /** An opaque, stable name for a visitor, told to the provider so that one abuser does not cost the site its key. */
  readonly safetyIdentifier: (visitor: Visitor) => string;
  readonly callTool: CallTool;
}

/** The most items that a call at Conversations takes. */
const MAX_ITEMS = 20;

/**
 * Responses + Conversations: the living pair at OpenAI and Azure OpenAI.
 * @see https://platform.openai.com/docs/api-reference/responses
 */
export const createResponsesBackend = (options: ResponsesOptions): Backend => {
  const client = createClient(options);
  return {
    name: 'responses',
    run: (request) => {
      const madeBy = options.fingerprint();
      let conversation: string | undefined;
      const begin = onUsableThread({
        known: request.thread,
        madeBy,
        lockWait: options.lockWait,
        signal: request.signal,
        isGone: (error) =>
          (error.status === 404 && error.code !== 'model_not_found') || isLeftUnanswered(error.message),
        isLocked: (error) => error.status === 400 && error.code === 'conversation_locked',
        attempt: async function* (known, share) {
          conversation =
            known ?? (await makeConversation(client, await request.history(share), request.signal));
          if (!known) yield { type: 'thread', thread: { id: conversation, madeBy } };
          yield* stream(client, options, request, conversation, request.message);
        },
      });
      const goOn = (outputs: readonly ToolOutput[]) =>
        stream(client, options, request, conversation ?? '', outputs.map(toInput));
      return runRounds(
        (outputs) => (outputs.length === 0 ? begin() : goOn(outputs)),
        request,
        options.callTool,
      );
    },
  };
};

/** A turn that ended while the model waited for a function leaves a conversation that takes no other message. */
const isLeftUnanswered = (message: string): boolean => /no tool output found/i.test(message);

const toInput = ({ callId, output }: ToolOutput) => ({
  type: 'function_call_output' as const,
  call_id: callId,
  output,
});

const madeConversation = z.object({ id: z.string().min(1) });

/** Makes a conversation and tells it the transcript, as many items a call as one takes. */
const makeConversation = async (
  client: OpenAI,
  history: readonly Exchange[],
  signal: AbortSignal,
): Promise<string> => {
  const items = history.flatMap(({ user, bot }) => [
    { role: 'user' as const, content: user },
    { role: 'assistant' as const, content: bot ?? '' },
  ]);
  const first = items.slice(0, MAX_ITEMS);
  const made = madeConversation.safeParse(
    await client.conversations.create(first.length > 0 ? { items: first } : {}, { signal }),
  );
  if (!made.success) throw upstreamFailed({ cause: made.error });
  for (let from = MAX_ITEMS; from < items.length; from += MAX_ITEMS) {
    const next = items.slice(from, from + MAX_ITEMS);
    await client.conversations.items.create(made.data.id, { items: next }, { signal });
  }
  return made.data.id;
};

const item = z.object({ id: z.string().optional(), type: z.string(), phase: z.string().nullish() });
const textPart = z.object({ type: z.literal('output_text'), text: z.string() });
const refusalPart = z.object({ type: z.literal('refusal'), refusal: z.string() });
const otherPart = z.object({ type: z.string() });
const outputItem = z.object({
  type: z.string(),
  phase: z.string().nullish(),
  content: z.array(z.union([textPart, refusalPart, otherPart])).optional(),
});
const finalResponse = z.object({
  response: z.object({
    output: z.array(outputItem).default([]),
    usage: z.object({ input_tokens: z.number(), output_tokens: z.number() }).nullish(),
    error: z.object({ code: z.string().nullish(), message: z.string().nullish() }).nullish(),
  }),
});
/** Most of a stream's events by number of bytes, and none that says anything new. */
const IGNORED: ReadonlySet<string> = new Set([
  'response.created',
  'response.in_progress',
  'response.content_part.added',
  'response.content_part.done',
  'response.output_text.done',
  'response.function_call_arguments.delta',
  'response.function_call_arguments.done',
]);
/** Some servers name an event only inside. */
const typed = z.object({ type: z.string() });
const delta = z.object({ output_index: z.number(), delta: z.string() });
const itemAdded = z.object({ output_index: z.number(), item });
const itemDone = z.object({
  item: z.object({
    type: z.string(),
    call_id: z.string().optional(),
    name: z.string().optional(),
    arguments: z.string().optional(),
  }),
});
const cause = z.object({ code: z.string().nullish(), message: z.string().nullish() });
/** Documented flat, seen nested. */
const errorEvent = cause.extend({ error: cause.nullish() });

async function* stream(
  client: OpenAI,
  options: ResponsesOptions,
  request: RunRequest,
  conversation: string,
  input: string | ReturnType<typeof toInput>[],
): AsyncIterable<RoundEvent> {
  const messages = streamMessages(
    (signal) =>
      client.responses.create(
        {
          ...options.fields(),
          conversation,
          input,
          max_output_tokens: options.maxAnswerTokens,
          truncation: 'auto',
          safety_identifier: options.safetyIdentifier(request.visitor),
          stream: true,
        },
        { signal },
      ),
    { signal: request.signal, idleTimeout: options.idleTimeout, ignored: IGNORED },
  );
  /** Output items that are not the answer: what the model says to itself on the way. */
  const commentary = new Set<number>();
  const calls: ToolCall[] = [];
  let speaking: number | undefined;
  let spoke = false;
  for await (const batch of messages) {
    let text = '';
    for (const { event, data } of batch) {
      const type = event ?? typed.parse(data).type;
      if (type === 'response.output_text.delta' || type === 'response.refusal.delta') {
        const piece = delta.parse(data);
        if (commentary.has(piece.output_index)) continue;
        // A second message of the same answer is a paragraph of its own.
        if (spoke && speaking !== piece.output_index) text += '\n\n';
        speaking = piece.output_index;
        spoke = true;
        text += piece.delta;
      } else if (type === 'response.output_item.added') {
        const added = itemAdded.parse(data);
        if (added.item.phase === 'commentary') commentary.add(added.output_index);
      } else if (type === 'response.output_item.done') {
        const { item: done } = itemDone.parse(data);
        if (done.type === 'function_call') {
          calls.push({ callId: done.call_id ?? '', name: done.name ?? '', arguments: done.arguments ?? '' });
        }
      } else if (type === 'response.completed' || type === 'response.incomplete') {
        const { response } = finalResponse.parse(data);
        if (!spoke) text = answerOf(response.output);
        if (text !== '') yield { type: 'delta', text };
        if (calls.length > 0) yield { type: 'calls', calls };
        yield endOf(type === 'response.incomplete', response.usage);
        return;
      } else if (type === 'response.failed') {
        const { error } = finalResponse.parse(data).response;
        throw new RunFailed(error?.message ?? 'response.failed', error?.code);
      } else if (type === 'error') {
        const { error, ...flat } = errorEvent.parse(data);
        throw new RunFailed(error?.message ?? flat.message ?? type, error?.code ?? flat.code);
      }
    }
    if (text !== '') yield { type: 'delta', text };
  }
  throw new RunFailed('the stream ended without its final event');
}

/** The answer of a response whose text was not streamed. */
const answerOf = (output: readonly z.output<typeof outputItem>[]): string =>
  output
    .filter((message) => message.type === 'message' && message.phase !== 'commentary')
    .map((message) =>
      (message.content ?? [])
        .map((part) => ('text' in part ? part.text : 'refusal' in part ? part.refusal : ''))
        .join(''),
    )
    .filter((text) => text !== '')
    .join('\n\n');

const endOf = (
  truncated: boolean,
  usage: { input_tokens: number; output_tokens: number } | null | undefined,
): RoundEvent =>
  usage
    ? { type: 'end', truncated, usage: { input: usage.input_tokens, output: usage.output_tokens } }
    : { type: 'end', truncated };
