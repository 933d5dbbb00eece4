/** Shapes that the bodies of several endpoints share. Unknown fields are ignored. */

import type { OpenAI } from 'openai';
import { z } from 'zod';

export const Metadata = z.record(z.string().max(64), z.string().max(512));
export type Metadata = z.infer<typeof Metadata>;

export const Temperature = z.number().min(0).max(2);
export const TopP = z.number().min(0).max(1);

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

/** `auto`, or an object that says of which type; kept as it came. */
export const ResponseFormat = z.custom<OpenAI.Beta.Threads.AssistantResponseFormatOption>(
  (value) => value === 'auto' || isObject(value),
);

/** Files and vector stores of an assistant; kept as they came. */
export const ToolResources = z.custom<OpenAI.Beta.Assistant.ToolResources>(isObject);

/** A part of a message: of what is not text, nothing is kept. */
const Part = z.object({ type: z.string(), text: z.string().optional(), refusal: z.string().optional() });

export const Content = z.union([z.string(), z.array(Part)]);

/** The text of a message's content. */
export const textOf = (content: z.infer<typeof Content> | null | undefined): string => {
  if (typeof content === 'string') return content;
  return (content ?? []).map(({ text, refusal }) => text ?? refusal ?? '').join('');
};

const MessageItem = z.object({
  type: z.literal('message').optional(),
  role: z.enum(['user', 'assistant', 'system', 'developer']),
  content: Content,
  phase: z.enum(['commentary', 'final_answer']).nullish(),
});

const CallItem = z.object({
  type: z.literal('function_call'),
  call_id: z.string(),
  name: z.string(),
  arguments: z.string(),
});

const OutputItem = z.object({
  type: z.literal('function_call_output'),
  call_id: z.string(),
  output: Content,
});

/** An item of a conversation. */
export const Item = z.discriminatedUnion('type', [MessageItem, CallItem, OutputItem]);

export type ItemInput = z.infer<typeof Item>;

/** A message of the Assistants wire. */
export const ThreadMessage = z.object({
  role: z.enum(['user', 'assistant']),
  content: Content,
  metadata: Metadata.nullish(),
});

export type ThreadMessageInput = z.infer<typeof ThreadMessage>;
