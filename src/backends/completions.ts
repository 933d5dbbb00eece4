import type { OpenAI } from 'openai';
import type { CarriedToCompletions } from '../assistant/to-completions.ts';
import type { Backend } from '../chat/backend-port.ts';
import type { Exchange, Visitor } from '../chat/model.ts';
import type { Adviser } from './advice.ts';
import { readCompletion, type SaidInRound } from './completion-stream.ts';
import type { HistoryLengths } from './told-history.ts';
import { type CallTool, type RoundEvent, runRounds, type ToolOutput } from './tool-rounds.ts';
import type { OpenStream } from './upstream.ts';
import { withContext } from './with-context.ts';

export interface CompletionsOptions {
  readonly open: OpenStream;
  readonly lengths: HistoryLengths;
  /** The assistant's definition on this wire. */
  readonly carried: () => CarriedToCompletions;
  readonly maxAnswerTokens: number;
  /** OpenAI's own service: it takes parameters that other servers do not know, and refuses one that they do. */
  readonly isOpenAI: boolean;
  readonly safetyIdentifier: (visitor: Visitor) => string;
  readonly callTool: CallTool;
  readonly adviser: Adviser;
}

type Message = OpenAI.ChatCompletionMessageParam;

/**
 * Chat Completions: spoken by nearly every server. It keeps no thread, so each run is sent the transcript.
 * @see https://platform.openai.com/docs/api-reference/chat
 */
export const createCompletionsBackend = (options: CompletionsOptions): Backend => ({
  name: 'completions',
  run: async function* (request) {
    const { fields, system } = options.carried();
    const model = fields.model ?? '';
    const history = options.lengths.forRun(request, model);
    /** This message, and what its functions were called with and returned: what must be sent whole. */
    let current: readonly Message[] = [{ role: 'user', content: request.message }];
    let said: SaidInRound | undefined;

    const parameters = (told: readonly Exchange[]): OpenAI.ChatCompletionCreateParamsStreaming => ({
      ...fields,
      model,
      messages: [{ role: 'system', content: withContext(system, request) }, ...toMessages(told), ...current],
      ...(history.limitsAnswer ? longestAnswer(options) : {}),
      ...(options.isOpenAI ? { safety_identifier: options.safetyIdentifier(request.visitor) } : {}),
      stream: true,
      stream_options: { include_usage: true },
    });

    async function* round(outputs: readonly ToolOutput[]): AsyncIterable<RoundEvent> {
      if (said) {
        current = [...current, ...roundMessages(said, outputs)];
        said = undefined;
      }
      for (;;) {
        const body = parameters(await history.exchanges());
        let spoke = false;
        try {
          const stream = options.open({ path: '/chat/completions', body, signal: request.signal });
          for await (const event of readCompletion(stream, (heard) => {
            said = heard;
          })) {
            spoke ||= event.type === 'delta';
            yield event;
          }
          return;
        } catch (thrown) {
          if (spoke || !(await history.shorten(thrown))) throw thrown;
        }
      }
    }

    yield { type: 'asked', backend: 'completions', model };
    yield* runRounds(round, request, { ...options, history });
  },
});

/** Older servers know only max_tokens; OpenAI's newer models refuse it. */
const longestAnswer = ({ isOpenAI, maxAnswerTokens }: CompletionsOptions) =>
  isOpenAI ? { max_completion_tokens: maxAnswerTokens } : { max_tokens: maxAnswerTokens };

const toMessages = (history: readonly Exchange[]): Message[] =>
  history.flatMap(({ user, bot }): Message[] => [
    { role: 'user', content: user },
    { role: 'assistant', content: bot },
  ]);

/** What a round said, sent back whole (some models refuse to go on without all of it), and what its functions gave. */
const roundMessages = ({ text, calls, extra }: SaidInRound, outputs: readonly ToolOutput[]): Message[] => [
  {
    ...extra,
    role: 'assistant',
    ...(text === '' ? {} : { content: text }),
    tool_calls: calls.map(({ callId, name, arguments: given, extra: more }) => ({
      ...more,
      id: callId,
      type: 'function' as const,
      function: { name, arguments: given },
    })),
  },
  ...outputs.map(({ callId, output }): Message => ({ role: 'tool', tool_call_id: callId, content: output })),
];
