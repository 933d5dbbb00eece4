import { APIError, NotFoundError, type OpenAI } from 'openai';
import type { Backend } from '../chat/backend-port.ts';
import type { UpstreamThread } from '../chat/model.ts';
import type { Adviser } from './advice.ts';
import { classify } from './classify-fault.ts';
import { DONE } from './event-stream.ts';
import { fields, text } from './lenient.ts';
import type { ServersAssistant } from './made-assistant.ts';
import { createRunCalls, type RunCallOptions } from './run-calls.ts';
import { deltaOf, endOf } from './run-events.ts';
import type { ThreadMessage } from './thread-seed.ts';
import type { HistoryLengths } from './told-history.ts';
import { type CallTool, type RoundEvent, runRounds, type ToolOutput } from './tool-rounds.ts';
import type { AnswerStream } from './upstream.ts';
import { RunFailed } from './upstream-fault.ts';
import { onUsableThread } from './usable-thread.ts';

export interface AssistantsOptions extends RunCallOptions {
  readonly client: OpenAI;
  readonly lengths: HistoryLengths;
  readonly fingerprint: () => string;
  /** Whether a thread was made at this server with this account, for whichever assistant. */
  readonly isOurs: (thread: UpstreamThread) => boolean;
  readonly assistant: ServersAssistant;
  /** How long a thread with a run that cannot be cancelled is waited for, in milliseconds. */
  readonly lockWait: number;
  readonly callTool: CallTool;
  readonly adviser: Adviser;
}

/** How long the cancelling of a run may take. */
const CANCEL_MS = 5_000;

const WHOLE: RoundEvent & { type: 'end' } = { type: 'end', truncated: false };

/** "…while a run run_abc is active", "…already has an active run run_abc": the id is only in the text. */
const ACTIVE_RUN = /\bactive run (run_\w+)|\brun (run_\w+) is active/;

/** What is known of the turn's run. */
interface RunState {
  run?: { readonly id: string; readonly thread: string };
  /** The thread that has the visitor's message: a retry must not say it there twice. */
  toldOn?: string;
  /** A thread that was made but not sent all of the transcript yet: what its run sends. */
  untold?: { readonly thread: string; readonly messages: readonly ThreadMessage[] } | undefined;
  /** Whether the run goes on, so that it must be cancelled when we leave. */
  active: boolean;
}

/**
 * The Assistants wire: shut down at OpenAI and Azure, still spoken by self-hosted servers and gateways.
 * @see https://platform.openai.com/docs/api-reference/runs
 */
export const createAssistantsBackend = (options: AssistantsOptions): Backend => {
  const { client } = options;
  const calls = createRunCalls(options);
  const remove = async (thread: string, signal?: AbortSignal): Promise<void> => {
    try {
      await client.beta.threads.delete(thread, signal ? { signal } : {});
    } catch (thrown) {
      if (!(thrown instanceof NotFoundError)) throw classify(thrown).error;
    }
  };

  return {
    name: 'assistants',
    run: async function* (request) {
      const state: RunState = { active: false };
      const madeBy = options.fingerprint();
      const kept = request.thread?.madeBy === madeBy ? request.thread.id : undefined;
      const model = options.fields().run.model ?? undefined;
      const history = options.lengths.forRun(request, model ?? '');
      const begin = onUsableThread({
        known: request.thread,
        madeBy,
        history,
        lockWait: options.lockWait,
        signal: request.signal,
        isLocked: (error) => error.status === 400 && ACTIVE_RUN.test(error.message),
        unlock: (error, thread) => cancelRun(client, thread, activeRunIn(error)),
        isNotTheThread: (error) => error.status === 404 && /assistant|model/i.test(error.message),
        discard: (thread) => void remove(thread).catch(() => undefined),
        attempt: async function* (known) {
          const assistant = await options.assistant.id(client, request.signal);
          const thread =
            known === undefined
              ? await calls.newThread(request, history)
              : { id: known, before: state.untold?.thread === known ? state.untold.messages : [] };
          if (thread.id !== undefined && known === undefined) {
            state.untold = { thread: thread.id, messages: thread.before };
            yield { type: 'made', thread: thread.id };
          }
          const told = thread.id !== undefined && thread.id === state.toldOn;
          const limited = history.limitsAnswer;
          const stream = calls.first(request, { assistant, thread, told, limited });
          try {
            for await (const event of readRun(stream, state)) {
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
        const { id, thread } = state.run ?? { id: '', thread: '' };
        for await (const event of readRun(calls.submit(request, thread, id, outputs), state)) {
          if (event.type !== 'run') yield event;
        }
      };
      yield { type: 'asked', backend: 'assistants', model };
      try {
        yield* runRounds((outputs) => (outputs.length === 0 ? begin() : goOn(outputs)), request, {
          ...options,
          history,
        });
      } finally {
        // A run that goes on without us would spend tokens and block the thread for the visitor's next message.
        if (state.run && state.active)
          cancelRun(client, state.run.thread, state.run.id).catch(() => undefined);
      }
    },
    forget: async (thread, signal) => {
      if (options.isOurs(thread)) await remove(thread.id, signal);
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

async function* readRun(
  stream: AnswerStream,
  state: RunState,
): AsyncIterable<RoundEvent | { readonly type: 'run'; readonly thread: string }> {
  let speaking: unknown;
  let spoke = false;
  for await (const batch of stream) {
    let piece = '';
    for (const message of batch) {
      if (message.event === 'thread.run.created') {
        const { id, thread_id: thread } = fields(message.data);
        const run = { id: text(id), thread: text(thread) };
        if (run.id === undefined || run.thread === undefined) throw new RunFailed('a run without its ids');
        state.run = { id: run.id, thread: run.thread };
        state.toldOn = run.thread;
        state.untold = undefined;
        state.active = true;
        yield { type: 'run', thread: run.thread };
      } else if (message.event === 'thread.message.delta') {
        const delta = deltaOf(message.data);
        if (delta.text === '') continue;
        if (spoke && speaking !== delta.message) piece += '\n\n';
        speaking = delta.message;
        spoke = true;
        piece += delta.text;
      } else {
        // Some servers leave out the run's last event.
        const end = spoke && message.event === DONE ? WHOLE : endOf(message);
        if (!end) continue;
        if (piece !== '') yield { type: 'delta', text: piece };
        if (Array.isArray(end)) yield { type: 'calls', calls: end };
        else state.active = false;
        if (end instanceof RunFailed) throw end;
        yield Array.isArray(end) ? { type: 'end', truncated: false } : end;
        return;
      }
    }
    if (piece !== '') yield { type: 'delta', text: piece };
  }
  throw new RunFailed('the stream ended without its final event');
}
