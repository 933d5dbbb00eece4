import { type ParsedDocument, UnreadableDocument } from '../model.ts';
import { createBlocks } from './bounded-blocks.ts';
import type { ParseLimits } from './limits.ts';
import { addQuestion, questionColumns } from './questions.ts';

interface Pair {
  readonly question: string;
  readonly answer: string;
  readonly url?: string;
}

const EXPECTED = 'JSON without question and answer pairs, such as [{"question": "…", "answer": "…"}]';

/** The text of an answer: a string, or (schema.org) an object with one. */
const textOf = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value;
  return value instanceof Object && 'text' in value && typeof value.text === 'string'
    ? value.text
    : undefined;
};

const pairOf = (entry: unknown): Pair | undefined => {
  if (!(entry instanceof Object)) return undefined;
  const fields = Object.entries(entry);
  const columns = questionColumns(fields.map(([name]) => name));
  if (!columns) return undefined;
  const [question, answer, url] = [columns.question, columns.answer, columns.url].map((at) =>
    textOf(fields[at]?.[1]),
  );
  if (!question || !answer) return undefined;
  return { question, answer, ...(url === undefined ? {} : { url }) };
};

/** A list of pairs, an object that has one (`{"faqs": […]}`), or an object of answers by their questions. */
const pairsIn = (value: unknown): Pair[] => {
  if (Array.isArray(value)) return value.map(pairOf).filter((pair) => pair !== undefined);
  if (!(value instanceof Object)) return [];
  const list = Object.values(value).find((inside) => Array.isArray(inside) && inside.some(pairOf));
  if (list !== undefined) return pairsIn(list);
  const entries = Object.entries(value);
  if (entries.length === 0 || !entries.every(([, answer]) => typeof answer === 'string')) return [];
  return entries.map(([question, answer]) => ({ question, answer: String(answer) }));
};

/**
 * Reads question and answer pairs.
 * @throws UnreadableDocument where there are none.
 */
export const parseJson = (text: string, limits: ParseLimits): ParsedDocument => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UnreadableDocument('not valid JSON');
  }
  const pairs = pairsIn(value);
  if (pairs.length === 0) throw new UnreadableDocument(EXPECTED);
  const blocks = createBlocks(limits);
  for (const pair of pairs) addQuestion(pair, blocks);
  const note = blocks.note();
  return { blocks: blocks.blocks, ...(note === undefined ? {} : { note }) };
};
