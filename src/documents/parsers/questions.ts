import type { BoundedBlocks } from './bounded-blocks.ts';

const QUESTION = ['question', 'q', 'frage', 'prompt', 'name', 'title'];
const ANSWER = ['answer', 'a', 'antwort', 'response', 'text', 'content', 'acceptedanswer'];
const ADDRESS = ['url', 'link', 'href'];

/** The column of a table of questions and answers; -1 where it has none. */
const columnOf = (columns: readonly string[], names: readonly string[]): number =>
  columns.findIndex((column) => names.includes(column.trim().toLowerCase()));

/** Where a table has its questions, answers and, maybe, addresses; undefined where it is another table. */
export const questionColumns = (columns: readonly string[]) => {
  const question = columnOf(columns, QUESTION);
  const answer = columnOf(columns, ANSWER);
  if (question < 0 || answer < 0) return undefined;
  return { question, answer, url: columnOf(columns, ADDRESS) };
};

/** Adds a question as a heading and its answer as the text under it. */
export const addQuestion = (
  { question, answer, url }: { question: string; answer: string; url?: string | undefined },
  blocks: BoundedBlocks,
): void => {
  const isWeb = url !== undefined && /^https?:\/\//.test(url);
  blocks.add({ type: 'heading', level: 2, text: question.trim(), ...(isWeb ? { url } : {}) });
  blocks.add({ type: 'text', text: answer.trim() });
};
