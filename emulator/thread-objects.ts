/** Threads and messages of the Assistants wire, as they are shown. */

import type { OpenAI } from 'openai';
import type { Thread } from './memory.ts';
import type { Message } from './transcript.ts';

type WireThread = OpenAI.Beta.Threads.Thread;
type WireMessage = OpenAI.Beta.Threads.Message;

export const threadObject = (thread: Thread): WireThread => ({
  id: thread.id,
  object: 'thread',
  created_at: thread.createdAt,
  metadata: thread.metadata,
  tool_resources: {},
});

export const messageContent = ({
  text,
  refusal,
}: Pick<Message, 'text' | 'refusal'>): WireMessage['content'] => [
  refusal ? { type: 'refusal', refusal: text } : { type: 'text', text: { value: text, annotations: [] } },
];

/** @param thread The id of the message's thread. */
export const messageObject = (thread: string, message: Message): WireMessage => ({
  id: message.id,
  object: 'thread.message',
  created_at: message.createdAt,
  thread_id: thread,
  role: message.role === 'assistant' ? 'assistant' : 'user',
  status: message.incomplete ? 'incomplete' : 'completed',
  incomplete_details: message.incomplete ? { reason: message.incomplete } : null,
  completed_at: message.incomplete ? null : message.createdAt,
  incomplete_at: message.incomplete ? message.createdAt : null,
  content: messageContent(message),
  assistant_id: message.run?.assistant ?? null,
  run_id: message.run?.id ?? null,
  attachments: [],
  metadata: message.metadata ?? {},
});
