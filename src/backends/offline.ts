import { setTimeout as wait } from 'node:timers/promises';
import type { Backend } from '../chat/backend-port.ts';

/** Milliseconds between two words. */
const PACE_MS = 25;
/** UTF-16 units of a message that are repeated. */
const QUOTE_CHARS = 200;

/** Longer messages are not looked at as questions about the first message. */
const MAX_QUESTION = 300;
const WORDS_OF_THE_QUESTION = [
  /\b(?:first|earliest)\b/,
  /\b(?:i|my|me)\b/,
  /\b(?:what|which|remember|recall|repeat|quote|tell)\b/,
  /\b(?:say|said|saying|tell|told|ask|asked|write|wrote|written|send|sent|type|typed|message|question|thing|words?)\b/,
];

/** Whether a message asks what was said first: "What did I say first?", "what was my first message". */
const asksForFirst = (message: string): boolean =>
  message.length <= MAX_QUESTION && WORDS_OF_THE_QUESTION.every((words) => words.test(message.toLowerCase()));

const quote = (text: string): string =>
  text.length > QUOTE_CHARS ? `${text.slice(0, QUOTE_CHARS).toWellFormed()}…` : text;

/** A quotation that ends a sentence: what has a mark at its end needs no full stop after it. */
const quoteAtEnd = (text: string): string =>
  `"${quote(text)}"${/[.!?…。！？]$/u.test(quote(text)) ? '' : '.'}`;

/** @param earlier The visitor's messages before this one, oldest first. */
const answerTo = (message: string, earlier: readonly string[]): string => {
  const number = earlier.length + 1;
  const [first] = earlier;
  if (asksForFirst(message)) {
    return first === undefined
      ? `This is the first message of our conversation: you have said nothing before ${quoteAtEnd(message)}`
      : `The first thing you said was: ${quoteAtEnd(first)} This is message ${number} of our conversation.`;
  }
  return (
    `You said: ${quoteAtEnd(message)} This is message ${number} of our conversation. ` +
    'I am the offline assistant: no AI answers here yet. I know no more than what you tell me, but I do remember it. ' +
    'Ask me what you said first. Set `OPENAI_API_KEY`, or `OPENAI_BASE_URL` for any other server, to go live.'
  );
};

/**
 * The built-in assistant that answers while no upstream is set: deterministic, without network, and it says so.
 * What it remembers comes from the transcript.
 */
export const createOfflineBackend = (): Backend => ({
  name: 'offline',
  async *run({ message, history, signal }) {
    yield { type: 'asked', backend: 'offline' };
    const earlier = (await history()).map(({ user }) => user);
    for (const word of answerTo(message, earlier).match(/\S+\s*/g) ?? []) {
      await wait(PACE_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
      yield { type: 'delta', text: word };
    }
    yield { type: 'end', truncated: false };
  },
});
