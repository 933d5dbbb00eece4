/** The upstream call that the service makes for a message, as those make it that it is compared with. */

import { z } from 'zod';

const headers = {
  'content-type': 'application/json',
  authorization: 'Bearer bench-key-that-nobody-else-has',
};

/** What the service says in a run. */
export const runFields = (visitor: string, message: string) => ({
  input: message,
  instructions: 'You are the helpful assistant of this website. Answer briefly and in plain words.',
  model: 'gpt-6-luna',
  max_output_tokens: 4096,
  truncation: 'auto',
  safety_identifier: visitor.padEnd(43, '0'),
});

/** The run on a conversation. */
export const bareRun = (visitor: string, message: string, conversation: string) => ({
  headers,
  body: JSON.stringify({ conversation, ...runFields(visitor, message), stream: true }),
});

/** Makes each visitor's conversation, once. */
export const makeConversation = (upstream: string): ((visitor: string) => Promise<string>) => {
  const conversations = new Map<string, Promise<string>>();
  const make = async (): Promise<string> => {
    const made = await fetch(`${upstream}/conversations`, { method: 'POST', headers, body: '{}' });
    return z.object({ id: z.string() }).parse(await made.json()).id;
  };
  return (visitor) => {
    const known = conversations.get(visitor) ?? make();
    conversations.set(visitor, known);
    return known;
  };
};
