import type { OpenAI } from 'openai';
import { z } from 'zod';
import type { Backend, Exchange, RunEvent, RunRequest, Usage, Visitor } from '../chat/ports.ts';
import { createClient, streamMessages, type UpstreamOptions } from './client.ts';
import { RunFailed } from './failures.ts';
import { retried } from './retry.ts';

export interface CompletionsOptions extends UpstreamOptions {
  readonly fingerprint: string;
  readonly model: string;
  readonly instructions: string;
  readonly maxAnswerTokens: number;
  /** OpenAI's own service: it takes parameters that other servers do not know, and refuses one that they do. */
  readonly isOpenAI: boolean;
  readonly safetyIdentifier: (visitor: Visitor) => string;
}

/**
 * Chat Completions: spoken by nearly every server. It keeps no thread, so each run is told the transcript.
 * @see https://platform.openai.com/docs/api-reference/chat
 */
export const createCompletionsBackend = (options: CompletionsOptions): Backend => {
  const client = createClient(options);
  return {
    name: 'completions',
    fingerprint: options.fingerprint,
    run: (request) => retried(() => stream(client, options, request), request),
  };
};

type Message = OpenAI.ChatCompletionMessageParam;

const toMessages = (history: readonly Exchange[]): Message[] =>
  history.flatMap(({ user, bot }): Message[] => [
    { role: 'user', content: user },
    { role: 'assistant', content: bot },
  ]);

const chunk = z.object({
  choices: z
    .array(
      z.object({
        delta: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }).nullish(),
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
): AsyncIterable<RunEvent> {
  const messages: Message[] = [
    { role: 'system', content: options.instructions },
    ...toMessages(await request.history()),
    { role: 'user', content: request.message },
  ];
  const batches = streamMessages(
    (signal) =>
      client.chat.completions.create(
        {
          model: options.model,
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
  let finish: string | undefined;
  let usage: Usage | undefined;
  for await (const batch of batches) {
    let text = '';
    for (const { data } of batch) {
      const { choices, usage: counted, error } = chunk.parse(data);
      if (error) throw new RunFailed(error.message ?? 'error in the stream', error.code?.toString());
      const [choice] = choices;
      text += choice?.delta?.content ?? choice?.delta?.refusal ?? '';
      finish = choice?.finish_reason ?? finish;
      if (counted) usage = { input: counted.prompt_tokens, output: counted.completion_tokens };
    }
    if (text !== '') yield { type: 'delta', text };
  }
  // Usage comes after the finish reason, so the stream is read to its end.
  if (finish === undefined) throw new RunFailed('the stream ended without a finish reason');
  const truncated = finish === 'length' || finish === 'content_filter';
  yield usage ? { type: 'end', truncated, usage } : { type: 'end', truncated };
}
