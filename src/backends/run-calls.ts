import type { OpenAI } from 'openai';
import { z } from 'zod';
import type { AssistantsFields } from '../assistant/to-assistants.ts';
import type { RunRequest } from '../chat/backend-port.ts';
import { MAX_MESSAGES, seedMessages, type ThreadMessage } from './thread-seed.ts';
import type { ToldHistory } from './told-history.ts';
import type { ToolOutput } from './tool-rounds.ts';
import type { AnswerStream, OpenStream } from './upstream.ts';

export interface RunCallOptions {
  readonly client: OpenAI;
  readonly open: OpenStream;
  /** What the assistant's definition overrides in each run, and gives each new thread. */
  readonly fields: () => AssistantsFields;
  readonly maxAnswerTokens: number;
}

/** A thread for the run to be made on; without an id it is made with the run. */
export interface RunThread {
  readonly id?: string;
  /** What the call that makes the run tells before the visitor's message. */
  readonly before: readonly ThreadMessage[];
}

interface FirstCall {
  readonly assistant: string;
  readonly thread: RunThread;
  /** Whether the thread has the visitor's message already. */
  readonly told: boolean;
  /** Whether the longest answer goes along. */
  readonly limited: boolean;
}

/** The calls that run the assistant on this wire. */
export interface RunCalls {
  /** A thread of its own, where the run cannot make it. */
  newThread(request: RunRequest, history: ToldHistory): Promise<RunThread>;
  /** One call a message: the thread's run takes the message along, and a new thread is made with its run. */
  first(request: RunRequest, call: FirstCall): AnswerStream;
  /** Tells a run what its functions gave back. */
  submit(request: RunRequest, thread: string, run: string, outputs: readonly ToolOutput[]): AnswerStream;
}

/** The SDK says so with each of its calls on this wire. */
const HEADERS = { 'openai-beta': 'assistants=v2' };

const madeThread = z.object({ id: z.string().min(1) });

export const createRunCalls = ({ client, open, fields, maxAnswerTokens }: RunCallOptions): RunCalls => ({
  newThread: async (request, history) => {
    const told = seedMessages(await history.exchanges());
    const { run, thread } = fields();
    // A run that makes its thread takes neither reasoning_effort nor additional_instructions.
    const isPlain = run.reasoning_effort === undefined && request.context === undefined;
    if (told.length < MAX_MESSAGES && isPlain) return { before: told };
    const first = told.slice(0, MAX_MESSAGES);
    const body = first.length > 0 ? { ...thread, messages: first } : thread;
    const { id } = madeThread.parse(await client.beta.threads.create(body, { signal: request.signal }));
    return { id, before: told.slice(MAX_MESSAGES) };
  },

  first: ({ message, context, signal }, { assistant, thread: { id, before }, told, limited }) => {
    const { run, thread } = fields();
    const messages = [...before, { role: 'user' as const, content: message }];
    const common = {
      assistant_id: assistant,
      ...(limited ? { max_completion_tokens: maxAnswerTokens } : {}),
      stream: true as const,
    };
    if (id === undefined) {
      const { reasoning_effort: _refusedHere, ...rest } = run;
      const body: OpenAI.Beta.ThreadCreateAndRunParamsStreaming = {
        ...rest,
        ...common,
        thread: { ...thread, messages },
      };
      return open({ path: '/threads/runs', body, headers: HEADERS, signal });
    }
    const body: OpenAI.Beta.Threads.RunCreateParamsStreaming = {
      ...run,
      ...common,
      ...(context === undefined ? {} : { additional_instructions: context }),
      ...(told ? {} : { additional_messages: messages }),
    };
    return open({ path: `/threads/${encodeURIComponent(id)}/runs`, body, headers: HEADERS, signal });
  },

  submit: ({ signal }, thread, run, outputs) => {
    const body: Omit<OpenAI.Beta.Threads.RunSubmitToolOutputsParamsStreaming, 'thread_id'> = {
      tool_outputs: outputs.map(({ callId, output }) => ({ tool_call_id: callId, output })),
      stream: true,
    };
    const path = `/threads/${encodeURIComponent(thread)}/runs/${encodeURIComponent(run)}/submit_tool_outputs`;
    return open({ path, body, headers: HEADERS, signal });
  },
});
