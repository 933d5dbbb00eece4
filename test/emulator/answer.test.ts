import { expect, test } from 'vitest';
import { answerOfWords, asksForFirst, friendlyAnswer, piecesOf } from '../../emulator/answer.ts';

test.for([
  'What did I say first?',
  'what did i first say',
  'What was my first message?',
  'Which was the FIRST thing I told you?',
  'Do you remember the first thing I asked?',
  'Repeat my first words please',
  'Tell me what I wrote first.',
])('"%s" asks for the first message', (message) => {
  expect(asksForFirst(message)).toBe(true);
});

test.for(['Hello', 'First, I would like a tea', 'What is the first law of robotics?', 'What did I say?'])(
  '"%s" does not',
  (message) => {
    expect(asksForFirst(message)).toBe(false);
  },
);

test('asked for the first message by the first message, it says so', () => {
  const message = 'What did I say first?';
  const turn = {
    message,
    number: 1,
    first: message,
    messages: [],
    outputs: [],
    instructions: undefined,
    model: 'm',
  };
  expect(friendlyAnswer(turn)).toContain('This is the first message of our conversation');
});

test('an answer of so many words has so many pieces, and pieces lose nothing', () => {
  const turn = {
    message: '',
    number: 1,
    first: '',
    messages: [],
    outputs: [],
    instructions: undefined,
    model: 'm',
  };
  expect(piecesOf(answerOfWords(45)(turn))).toHaveLength(45);
  for (const text of ['', ' ', ' a', 'a ', ' a  b\n', '🦊 🦊']) expect(piecesOf(text).join('')).toBe(text);
});
