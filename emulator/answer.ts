/** What the emulated assistant answers: a pure function of the thread and the message. */

import type { Message, ToolOutput } from './transcript.ts';

/** What an answer may depend on. */
export interface AnswerTurn {
  /** The message to answer. */
  readonly message: string;
  /** Which of the user's messages in this thread it is, counted from 1. */
  readonly number: number;
  /** The first message that the user said in this thread; the message itself if it is the first. */
  readonly first: string;
  /** What the thread remembers, oldest first, the message to answer included. */
  readonly messages: readonly Message[];
  /** What the functions gave that were called since the last answer, in the order in which it came. */
  readonly outputs: readonly ToolOutput[];
  readonly instructions: string | undefined;
  readonly model: string;
}

export type Answer = (turn: AnswerTurn) => string;

/** Longer messages are not looked at as questions about the first message. */
const MAX_QUESTION = 300;

const WORDS_OF_THE_QUESTION = [
  /\b(?:first|earliest)\b/,
  /\b(?:i|my|me)\b/,
  /\b(?:what|which|remember|recall|repeat|quote|tell)\b/,
  /\b(?:say|said|saying|tell|told|ask|asked|write|wrote|written|send|sent|type|typed|message|question|thing|words?)\b/,
];

/** Whether a message asks what was said first: "What did I say first?", "what was my first message". */
export const asksForFirst = (message: string): boolean => {
  if (message.length > MAX_QUESTION) return false;
  const text = message.toLowerCase();
  return WORDS_OF_THE_QUESTION.every((words) => words.test(text));
};

/** What functions gave, word by word. */
const toolTalk = (outputs: readonly ToolOutput[]): string =>
  outputs.map(({ name, output }) => ` The function ${name} gave: ${output}`).join('');

/** The offline assistant: repeats, counts, and remembers what was said first; says what functions gave. */
export const friendlyAnswer: Answer = ({ message, number, first, outputs }) => {
  const given = toolTalk(outputs);
  if (asksForFirst(message)) {
    return number === 1
      ? `This is the first message of our conversation: you have said nothing before "${message}".${given}`
      : `The first thing you said was: "${first}". This is message ${number} of our conversation.${given}`;
  }
  return (
    `You said: "${message}". This is message ${number} of our conversation.${given} ` +
    'I am the offline assistant, so I know no more than what you tell me, but I do remember it. ' +
    'Ask me what you said first.'
  );
};

const FILLER = 'the quick brown fox jumps over a lazy dog while we measure how fast the words can come'.split(
  ' ',
);

/** An answer of a fixed length, for benches. */
export const answerOfWords = (words: number): Answer => {
  const text = Array.from({ length: words }, (_, index) => FILLER[index % FILLER.length]).join(' ');
  return () => text;
};

/** A text in the pieces in which it is streamed: words with the space that follows them. */
export const piecesOf = (text: string): string[] => text.match(/\s*\S+\s*|\s+/g) ?? [];
