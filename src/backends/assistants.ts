import type { APIError, OpenAI } from 'openai';
import { z } from 'zod';
import type { Backend, RunEvent, RunRequest } from '../chat/ports.ts';
import { createClient, type StreamMessage, streamMessages, type UpstreamOptions } from './client.ts';
import { RunFailed } from './failures.ts';
import { retried } from './retry.ts';
import { onUsableThread } from './usable-thread.ts';

export interface AssistantsOptions extends UpstreamOptions {
  readonly fingerprint: string;
  readonly assistantId: string;
  /** Overrides the assistant's own, where the owner set one. */
  readonly model: string | undefined;
  readonly maxAnswerTokens: number;
  /** How long a thread with a run that cannot be cancelled is waited for, in milliseconds. */
  readonly lockWait: number;
}

/** How long the cancelling of a run may take. */
const CANCEL_MS = 5_000;

/** "…while a run run_abc is active", "…already has an active run run_abc": the id is only in the text. */
const ACTIVE_RUN = /\bactive run (run_\w+)|\brun (run_\w+) is active/;

/**
 * The Assistants wire: shut down at OpenAI and Azure, still spoken by self-hosted servers and gateways.
 * @see https://platform.openai.com/docs/api-reference/runs
 */
export const createAssistantsBackend = (options: AssistantsOptions): Backend => {
  const client = createClient(options);
  return {
    name: 'assistants',
    fingerprint: options.fingerprint,
    run: (request) => {
      const attempt = onUsableThread({
        known: request.thread,
        lockWait: options.lockWait,
        signal: request.signal,
        isGone: (error) => error.status === 404 && !/assistant|model/i.test(error.message),
        isLocked: (error) => error.status === 400 && ACTIVE_RUN.test(error.message),
        unlock: (error, thread) => cancelRun(client, thread, activeRunIn(error)),
        attempt: (thread) => stream(client, options, request, thread),
      });
      return retried(attempt, request);
    },
  };
};

const activeRunIn = (error: APIError): string => {
  const match = ACTIVE_RUN.exec(error.message);
  return match?.[1] ?? match?.[2] ?? '';
};

const cancelRun = (client: OpenAI, thread: string, run: string): Promise<unknown> =>
  client.beta.threads.runs.cancel(run, { thread_id: thread }, { signal: AbortSignal.timeout(CANCEL_MS) });

const runObject = z.object({
  id: z.string().min(1),
  thread_id: z.string().min(1),
  usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number() }).nullish(),
  last_error: z.object({ code: z.string().nullish(), message: z.string().nullish() }).nullish(),
  incomplete_details: z.object({ reason: z.string().nullish() }).nullish(),
});
const messageDelta = z.object({
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

async function* stream(
  client: OpenAI,
  options: AssistantsOptions,
  request: RunRequest,
  known: string | undefined,
): AsyncIterable<RunEvent> {
  const streaming = { signal: request.signal, idleTimeout: options.idleTimeout };
  const messages = streamMessages(
    (signal) => start(client, options, request.message, known, signal),
    streaming,
  );
  let run: { id: string; thread: string } | undefined;
  let ended = false;
  let speaking: string | undefined;
  try {
    for await (const batch of messages) {
      let text = '';
      for (const message of batch) {
        if (message.event === 'thread.run.created') {
          const { id, thread_id: thread } = runObject.parse(message.data);
          run = { id, thread };
          if (thread !== known) yield { type: 'thread', id: thread };
        } else if (message.event === 'thread.message.delta') {
          const { id, delta } = messageDelta.parse(message.data);
          if (speaking !== undefined && speaking !== id) text += '\n\n';
          speaking = id;
          for (const part of delta.content ?? []) text += part.text?.value ?? part.refusal ?? '';
        } else {
          const end = endOf(message);
          if (!end) continue;
          // A run that waits for us goes on waiting: it is cancelled below.
          ended = message.event !== 'thread.run.requires_action';
          if (text !== '') yield { type: 'delta', text };
          if (end instanceof RunFailed) throw end;
          yield end;
          return;
        }
      }
      if (text !== '') yield { type: 'delta', text };
    }
    throw new RunFailed('the stream ended without its final event');
  } finally {
    // A run that goes on without us would spend tokens and block the thread for the visitor's next message.
    if (run && !ended) cancelRun(client, run.thread, run.id).catch(() => undefined);
  }
}

/** One call a message: the thread's run takes the message along, and a new thread is made with its run. */
const start = (
  client: OpenAI,
  options: AssistantsOptions,
  text: string,
  known: string | undefined,
  signal: AbortSignal,
) => {
  const messages = [{ role: 'user' as const, content: text }];
  const settings = {
    assistant_id: options.assistantId,
    max_completion_tokens: options.maxAnswerTokens,
    ...(options.model === undefined ? {} : { model: options.model }),
    stream: true as const,
  };
  return known === undefined
    ? client.beta.threads.createAndRun({ ...settings, thread: { messages } }, { signal })
    : client.beta.threads.runs.create(known, { ...settings, additional_messages: messages }, { signal });
};

/** The end that an event means; undefined where the run goes on. */
const endOf = ({
  event,
  data,
}: StreamMessage): Extract<RunEvent, { type: 'end' }> | RunFailed | undefined => {
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
    case 'thread.run.requires_action':
      return new RunFailed(event, 'unsupported_requires_action');
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
