/** The messages of a chat completion's request: their shape, and the transcript that they are. */

import { z } from 'zod';
import { ApiError } from './api-error.ts';
import { Content, textOf } from './shapes.ts';
import { Transcript } from './transcript.ts';

const CalledFunction = z.object({
  id: z.string(),
  type: z.literal('function'),
  function: z.object({ name: z.string(), arguments: z.string() }),
});

export const ChatMessage = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: Content.nullish(),
  tool_calls: z.array(CalledFunction).min(1).nullish(),
  tool_call_id: z.string().nullish(),
});

type ChatMessageInput = z.infer<typeof ChatMessage>;

const notAnswered = (open: ReadonlySet<string>, at: number): ApiError =>
  new ApiError(
    400,
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. " +
      `The following tool_call_ids did not have response messages: ${[...open].join(', ')}`,
    null,
    `messages.[${at}].role`,
  );

const notCalled = (at: number): ApiError =>
  new ApiError(
    400,
    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
    null,
    `messages.[${at}].role`,
  );

const notFound = (id: string, at: number): ApiError =>
  new ApiError(
    400,
    `Invalid parameter: 'tool_call_id' of '${id}' not found in 'tool_calls' of previous message.`,
    null,
    `messages.[${at}].tool_call_id`,
  );

/** @throws ApiError 400 where tool messages and the calls before them do not match. */
export const transcriptOf = (messages: readonly ChatMessageInput[], createdAt: number): Transcript => {
  const transcript = new Transcript();
  /** The calls of the assistant's last message, and those of them that nothing came back of yet. */
  let called = new Set<string>();
  let open = new Set<string>();
  for (const [at, { role, content, tool_calls: calls, tool_call_id: answered }] of messages.entries()) {
    const text = textOf(content);
    if (role === 'tool') {
      const callId = answered ?? '';
      if (called.size === 0) throw notCalled(at);
      if (!called.has(callId)) throw notFound(callId, at);
      open.delete(callId);
      transcript.add({ kind: 'output', id: '', callId, text });
      continue;
    }
    if (open.size > 0) throw notAnswered(open, at);
    if (called.size > 0) called = new Set();
    // The output of a function of the time before there were tools.
    if (role === 'function') continue;
    if (role !== 'assistant' || !calls) {
      transcript.add({ id: '', role, text, createdAt });
      continue;
    }
    // What is said beside calls is not the answer yet.
    if (text !== '') transcript.add({ id: '', role, text, createdAt, phase: 'commentary' });
    for (const { id, function: wanted } of calls) {
      transcript.add({ kind: 'call', id: '', callId: id, name: wanted.name, arguments: wanted.arguments });
    }
    called = new Set(calls.map(({ id }) => id));
    open = new Set(called);
  }
  if (open.size > 0) throw notAnswered(open, messages.length - 1);
  return transcript;
};
