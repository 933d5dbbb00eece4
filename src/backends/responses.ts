import { NotFoundError, type OpenAI } from 'openai';
import { z } from 'zod';
import type { ResponsesFields } from '../assistant/to-responses.ts';
import type { Backend } from '../chat/backend-port.ts';
import type { Exchange, UpstreamThread, Visitor } from '../chat/model.ts';
import { upstreamFailed } from '../errors.ts';
import type { Adviser } from './advice.ts';
import { classify } from './classify-fault.ts';
import { IGNORED_EVENTS, readResponse } from './response-stream.ts';
import type { HistoryLengths } from './told-history.ts';
import { type CallTool, runRounds, type ToolOutput } from './tool-rounds.ts';
import type { OpenStream } from './upstream.ts';
import { onUsableThread } from './usable-thread.ts';
import { withContext } from './with-context.ts';

export interface ResponsesOptions {
  readonly client: OpenAI;
  readonly open: OpenStream;
  readonly lengths: HistoryLengths;
  readonly fingerprint: () => string;
  /** Whether a thread was made at this server with this account, for whichever assistant. */
  readonly isOurs: (thread: UpstreamThread) => boolean;
  /** What the assistant's definition says on this wire: model, instructions, tools, … */
  readonly fields: () => ResponsesFields;
  readonly maxAnswerTokens: number;
  /** How long a conversation that is locked is waited for, in milliseconds, before it is replaced. */
  readonly lockWait: number;
  /** An opaque, stable name for a visitor, sent to the provider so that one abuser does not cost the site its key. */
  readonly safetyIdentifier: (visitor: Visitor) => string;
  readonly callTool: CallTool;
  readonly adviser: Adviser;
}

/** The most items that a call at Conversations takes. */
const MAX_ITEMS = 20;

/**
 * Responses + Conversations: the living pair at OpenAI and Azure OpenAI.
 * @see https://platform.openai.com/docs/api-reference/responses
 */
export const createResponsesBackend = (options: ResponsesOptions): Backend => {
  const { client } = options;
  const remove = async (conversation: string, signal?: AbortSignal): Promise<void> => {
    try {
      await client.conversations.delete(conversation, signal ? { signal } : {});
    } catch (thrown) {
      if (!(thrown instanceof NotFoundError)) throw classify(thrown).error;
    }
  };

  return {
    name: 'responses',
    run: async function* (request) {
      const madeBy = options.fingerprint();
      const { model } = options.fields();
      const history = options.lengths.forRun(request, model ?? '');
      let conversation: string | undefined;

      const respond = (on: string, input: OpenAI.Responses.ResponseInput | string) => {
        const own = options.fields();
        const body: OpenAI.Responses.ResponseCreateParamsStreaming = {
          ...own,
          ...(request.context === undefined ? {} : { instructions: withContext(own.instructions, request) }),
          conversation: on,
          input,
          ...(history.limitsAnswer ? { max_output_tokens: options.maxAnswerTokens } : {}),
          safety_identifier: options.safetyIdentifier(request.visitor),
          stream: true,
        };
        const { signal } = request;
        return readResponse(options.open({ path: '/responses', body, ignored: IGNORED_EVENTS, signal }));
      };

      const begin = onUsableThread({
        known: request.thread,
        madeBy,
        history,
        lockWait: options.lockWait,
        signal: request.signal,
        isLocked: (error) => error.status === 400 && error.code === 'conversation_locked',
        unlock: async () => undefined,
        isNotTheThread: () => false,
        discard: (thread) => void remove(thread).catch(() => undefined),
        attempt: async function* (known) {
          conversation = known ?? (await makeConversation(client, await history.exchanges(), request.signal));
          if (!known) yield { type: 'thread', thread: { id: conversation, madeBy } };
          yield* respond(conversation, request.message);
        },
      });
      const goOn = (outputs: readonly ToolOutput[]) => respond(conversation ?? '', outputs.map(toInput));

      yield { type: 'asked', backend: 'responses', model };
      yield* runRounds((outputs) => (outputs.length === 0 ? begin() : goOn(outputs)), request, {
        ...options,
        history,
      });
    },
    forget: async (thread, signal) => {
      if (options.isOurs(thread)) await remove(thread.id, signal);
    },
  };
};

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
