import type { Exchange } from '../chat/model.ts';

/** The most messages that a call on the Assistants wire takes. */
export const MAX_MESSAGES = 32;

/** What two calls tell, the visitor's message included: more would cost a call a message. */
const MAX_TOLD = 2 * MAX_MESSAGES - 1;

export interface ThreadMessage {
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

/**
 * The messages that tell a new thread on the Assistants wire the transcript, in at most two calls. What does not
 * fit one message each, the oldest, is sent together in the first.
 */
export const seedMessages = (history: readonly Exchange[]): ThreadMessage[] => {
  const messages = history.flatMap(({ user, bot }): ThreadMessage[] => [
    { role: 'user', content: user },
    { role: 'assistant', content: bot ?? '' },
  ]);
  if (messages.length <= MAX_TOLD) return messages;
  const recent = messages.slice(-(MAX_TOLD - 1));
  const earlier = messages
    .slice(0, -recent.length)
    .map(({ role, content }) => `${role === 'user' ? 'I' : 'You'}: ${content}`);
  return [{ role: 'user', content: `Earlier we said:\n\n${earlier.join('\n\n')}` }, ...recent];
};
