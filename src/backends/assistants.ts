import { APIError, type OpenAI } from 'openai';
import { z } from 'zod';
import type { AssistantsFields } from '../assistant/to-assistants.ts';
import type { Backend, RunRequest } from '../chat/backend-port.ts';
import { createClient, streamMessages, type UpstreamOptions } from './client.ts';
import { RunFailed } from './failures.ts';
import type { ServersAssistant } from './made-assistant.ts';
import { endOf, messageDelta, runObject } from './run-events.ts';
import { MAX_MESSAGES, type ThreadMessage, toldBefore } from './thread-seed.ts';
import { type CallTool, type RoundEvent, runRounds, type ToolOutput } from './tool-rounds.ts';
import { onUsableThread } from './usable-thread.ts';

export interface AssistantsOptions extends UpstreamOptions {
  readonly fingerprint: () => string;
  readonly assistant: ServersAssistant;
  /** What the assistant's definition overrides in each run, and gives each new thread. */
  readonly fields: () => AssistantsFields;
  readonly maxAnswerTokens: number;
  /** How long a thread with a run that cannot be cancelled is waited for, in milliseconds. */
  readonly lockWait: number;
  readonly callTool: CallTool;
}

/** How long the cancelling of a run may take. */
const CANCEL_MS = 5_000;

/** "…while a run run_abc is active", "…already has an active run run_abc": the id is only in the text. */
const ACTIVE_RUN = /\bactive run (run_\w+)|\brun (run_\w+) is active/;

/** What is known of the turn's run. */
interface RunState {
  run?: { readonly id: string; readonly thread: string };
  /** The thread that has the visitor's message: a retry must not say it there twice. */
  toldOn?: string;
  /** A thread that was made but not told all of the transcript yet: what its run tells it. */
  untold?: { readonly thread: string; readonly messages: readonly ThreadMessage[] } | undefined;
  /** Whether the run goes on, so that it must be cancelled when we leave. */
  active: boolean;
}

/**
 * The Assistants wire: shut down at OpenAI and Azure, still spoken by self-hosted servers and gateways.
 * @see https://platform.openai.com/docs/api-reference/runs
 */
export const createAssistantsBackend = (options: AssistantsOptions): Backend => {
  const client = createClient(options);
  return {
    name: 'assistants',
    run: async function* (request) {
      const state: RunState = { active: false };
      const madeBy = options.fingerprint();
      const kept = request.thread?.madeBy === madeBy ? request.thread.id : undefined;
      const begin = onUsableThread({
        known: request.thread,
        madeBy,
        lockWait: options.lockWait,
        signal: request.signal,
        isGone: (error) => error.status === 404 && !/assistant|model/i.test(error.message),
        isLocked: (error) => error.status === 400 && ACTIVE_RUN.test(error.message),
        unlock: (error, thread) => cancelRun(client, thread, activeRunIn(error)),
        attempt: async function* (known, share) {
          const assistant = await options.assistant.id(client, request.signal);
          const thread =
            known === undefined
              ? await newThread(client, options, request, share)
              : { id: known, before: state.untold?.thread === known ? state.untold.messages : [] };
          if (thread.id !== undefined && known === undefined) {
            state.untold = { thread: thread.id, messages: thread.before };
            yield { type: 'made', thread: thread.id };
          }
          const told = thread.id !== undefined && thread.id === state.toldOn;
          const call = firstCall(client, options, request, { assistant, thread, told });
          try {
            for await (const event of stream(call, options, request, state)) {
              if (event.type !== 'run') yield event;
              else if (event.thread !== kept) yield { type: 'thread', thread: { id: event.thread, madeBy } };
            }
          } catch (thrown) {
            // One that we made is made again: a run that failed is retried.
            if (isUnknownAssistant(thrown) && options.assistant.forget(assistant))
              throw new RunFailed('the assistant is gone');
            throw thrown;
          }
        },
      });
      const goOn = async function* (outputs: readonly ToolOutput[]): AsyncIterable<RoundEvent> {
        for await (const event of stream(submit(client, state, outputs), options, request, state)) {
          if (event.type !== 'run') yield event;
        }
      };
      try {
        yield* runRounds(
          (outputs) => (outputs.length === 0 ? begin() : goOn(outputs)),
          request,
          options.callTool,
        );
      } finally {
        // A run that goes on without us would spend tokens and block the thread for the visitor's next message.
        if (state.run && state.active)
          cancelRun(client, state.run.thread, state.run.id).catch(() => undefined);
      }
    },
  };
};

const isUnknownAssistant = (thrown: unknown): boolean =>
  thrown instanceof APIError && thrown.status === 404 && /assistant/i.test(thrown.message);

const activeRunIn = (error: APIError): string => {
  const match = ACTIVE_RUN.exec(error.message);
  return match?.[1] ?? match?.[2] ?? '';
};

const cancelRun = (client: OpenAI, thread: string, run: string): Promise<unknown> =>
  client.beta.threads.runs.cancel(run, { thread_id: thread }, { signal: AbortSignal.timeout(CANCEL_MS) });

const madeThread = z.object({ id: z.string().min(1) });

type Call = (signal: AbortSignal) => { asResponse(): Promise<Response> };

async function* stream(
  call: Call,
  options: AssistantsOptions,
  request: RunRequest,
  state: RunState,
): AsyncIterable<RoundEvent | { readonly type: 'run'; readonly thread: string }> {
  const messages = streamMessages(call, { signal: request.signal, idleTimeout: options.idleTimeout });
  let speaking: string | undefined;
  for await (const batch of messages) {
    let text = '';
    for (const message of batch) {
      if (message.event === 'thread.run.created') {
        const { id, thread_id: thread } = runObject.parse(message.data);
        state.run = { id, thread };
        state.toldOn = thread;
        state.untold = undefined;
        state.active = true;
        yield { type: 'run', thread };
      } else if (message.event === 'thread.message.delta') {
        const { id, delta } = messageDelta.parse(message.data);
        if (speaking !== undefined && speaking !== id) text += '\n\n';
        speaking = id;
        for (const part of delta.content ?? []) text += part.text?.value ?? part.refusal ?? '';
      } else {
        const end = endOf(message);
        if (!end) continue;
        if (text !== '') yield { type: 'delta', text };
        if (Array.isArray(end)) yield { type: 'calls', calls: end };
        else state.active = false;
        if (end instanceof RunFailed) throw end;
        yield Array.isArray(end) ? { type: 'end', truncated: false } : end;
        return;
      }
    }
    if (text !== '') yield { type: 'delta', text };
  }
  throw new RunFailed('the stream ended without its final event');
}

/** A thread for the run to be made on; without an id it is made with the run. */
interface RunThread {
  readonly id?: string;
  /** What the call that makes the run tells before the visitor's message. */
  readonly before: readonly ThreadMessage[];
}

const newThread = async (
  client: OpenAI,
  options: AssistantsOptions,
  request: RunRequest,
  share: number,
): Promise<RunThread> => {
  const told = toldBefore(await request.history(share));
  if (told.length < MAX_MESSAGES) return { before: told };
  const thread = { ...options.fields().thread, messages: told.slice(0, MAX_MESSAGES) };
  const { id } = madeThread.parse(await client.beta.threads.create(thread, { signal: request.signal }));
  return { id, before: told.slice(MAX_MESSAGES) };
};

interface FirstCall {
  readonly assistant: string;
  readonly thread: RunThread;
  /** Whether the thread has the visitor's message already. */
  readonly told: boolean;
}

/** One call a message: the thread's run takes the message along, and a new thread is made with its run. */
const firstCall = (
  client: OpenAI,
  options: AssistantsOptions,
  request: RunRequest,
  { assistant, thread: { id, before }, told }: FirstCall,
): Call => {
  const { run, thread } = options.fields();
  const messages = [...before, { role: 'user' as const, content: request.message }];
  const settings = {
    ...run,
    assistant_id: assistant,
    max_completion_tokens: options.maxAnswerTokens,
    stream: true as const,
  };
  if (id === undefined) {
    return (signal) =>
      client.beta.threads.createAndRun({ ...settings, thread: { ...thread, messages } }, { signal });
  }
  const more = told ? {} : { additional_messages: messages };
  return (signal) => client.beta.threads.runs.create(id, { ...settings, ...more }, { signal });
};

const submit = (client: OpenAI, state: RunState, outputs: readonly ToolOutput[]): Call => {
  const { id, thread } = state.run ?? { id: '', thread: '' };
  const tool_outputs = outputs.map(({ callId, output }) => ({ tool_call_id: callId, output }));
  return (signal) =>
    client.beta.threads.runs.submitToolOutputs(
      id,
      { thread_id: thread, tool_outputs, stream: true },
      { signal },
    );
};
