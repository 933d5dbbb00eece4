import type { OpenAI } from 'openai';
import { z } from 'zod';
import type { Backend, RunEvent, RunRequest, Usage, Visitor } from '../chat/ports.ts';
import { upstreamFailed } from '../errors.ts';
import { createClient, streamMessages, type UpstreamOptions } from './client.ts';
import { RunFailed } from './failures.ts';
import { retried } from './retry.ts';
import { onUsableThread } from './usable-thread.ts';

export interface ResponsesOptions extends UpstreamOptions {
  readonly fingerprint: string;
  readonly model: string;
  readonly instructions: string;
  readonly maxAnswerTokens: number;
  /** How long a conversation that is locked is waited for, in milliseconds, before it is replaced. */
  readonly lockWait: number;
  /** An opaque, stable name for a visitor, told to the provider so that one abuser does not cost the site its key. */
  readonly safetyIdentifier: (visitor: Visitor) => string;
}

/**
 * Responses + Conversations: the living pair at OpenAI and Azure OpenAI.
 * @see https://platform.openai.com/docs/api-reference/responses
 */
export const createResponsesBackend = (options: ResponsesOptions): Backend => {
  const client = createClient(options);
  return {
    name: 'responses',
    fingerprint: options.fingerprint,
    run: (request) => {
      const attempt = onUsableThread({
        known: request.thread,
        lockWait: options.lockWait,
        signal: request.signal,
        isGone: (error) => error.status === 404 && error.code !== 'model_not_found',
        isLocked: (error) => error.status === 400 && error.code === 'conversation_locked',
        attempt: async function* (thread) {
          const conversation = thread ?? (await makeConversation(client, request.signal));
          if (!thread) yield { type: 'thread', id: conversation };
          yield* stream(client, options, request, conversation);
        },
      });
      return retried(attempt, request);
    },
  };
};

const madeConversation = z.object({ id: z.string().min(1) });

const makeConversation = async (client: OpenAI, signal: AbortSignal): Promise<string> => {
  const made = madeConversation.safeParse(await client.conversations.create({}, { signal }));
  if (!made.success) throw upstreamFailed({ cause: made.error });
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
const typed = z.object({ type: z.string() });
const delta = z.object({ output_index: z.number(), delta: z.string() });
const itemAdded = z.object({ output_index: z.number(), item });
const failed = z.object({ code: z.string().nullish(), message: z.string().nullish() });

async function* stream(
  client: OpenAI,
  options: ResponsesOptions,
  request: RunRequest,
  conversation: string,
): AsyncIterable<RunEvent> {
  const messages = streamMessages(
    (signal) =>
      client.responses.create(
        {
          conversation,
          input: request.message,
          instructions: options.instructions,
          model: options.model,
          max_output_tokens: options.maxAnswerTokens,
          truncation: 'auto',
          safety_identifier: options.safetyIdentifier(request.visitor),
          stream: true,
        },
        { signal },
      ),
    { signal: request.signal, idleTimeout: options.idleTimeout },
  );
  /** Output items that are not the answer: what the model says to itself on the way. */
  const commentary = new Set<number>();
  let speaking: number | undefined;
  let spoke = false;
  for await (const batch of messages) {
    let text = '';
    for (const { data } of batch) {
      const { type } = typed.parse(data);
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
      } else if (type === 'response.completed' || type === 'response.incomplete') {
        const { response } = finalResponse.parse(data);
        if (!spoke) text = answerOf(response.output);
        if (text !== '') yield { type: 'delta', text };
        yield endOf(type === 'response.incomplete', response.usage);
        return;
      } else if (type === 'response.failed') {
        const { error } = finalResponse.parse(data).response;
        throw new RunFailed(error?.message ?? 'response.failed', error?.code);
      } else if (type === 'error') {
        const error = failed.parse(data);
        throw new RunFailed(error.message ?? 'error event', error.code);
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
): RunEvent => {
  const counted: Usage | undefined = usage
    ? { input: usage.input_tokens, output: usage.output_tokens }
    : undefined;
  return counted ? { type: 'end', truncated, usage: counted } : { type: 'end', truncated };
};
