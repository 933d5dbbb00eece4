import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { type ParsedDocument, UnreadableDocument } from '../model.ts';
import { createBlocks } from './bounded-blocks.ts';
import type { ParseLimits } from './limits.ts';
import { addQuestion, questionColumns } from './questions.ts';

const DELIMITERS = [',', ';', '\t', '|'] as const;
const MAX_RECORD = 200_000;
const MAX_COLUMNS = 200;

const rowList = z.array(z.array(z.string()));

/** The character that parts the first line into most cells. */
const delimiterOf = (text: string): string => {
  const line =
    text
      .slice(0, 10_000)
      .split('\n', 1)[0]
      ?.replaceAll(/"[^"]*"/g, '') ?? '';
  return DELIMITERS.toSorted((a, b) => line.split(b).length - line.split(a).length)[0] ?? ',';
};

/**
 * Reads a table whose first line names its columns. Columns `question` and `answer` make it questions and answers.
 * @throws UnreadableDocument
 */
export const parseCsv = (text: string, limits: ParseLimits): ParsedDocument => {
  let rows: string[][];
  try {
    rows = rowList.parse(
      parse(text, {
        delimiter: delimiterOf(text),
        bom: true,
        relax_column_count: true,
        relax_quotes: true,
        skip_empty_lines: true,
        trim: true,
        max_record_size: MAX_RECORD,
        // The names, and one more than may be read, so that it shows that some were left out.
        to: limits.maxRows + 2,
      }),
    );
  } catch (cause) {
    throw new UnreadableDocument('not a valid CSV table', { cause });
  }
  const [columns = [], ...entries] = rows.map((row) => row.slice(0, MAX_COLUMNS));
  const blocks = createBlocks(limits);
  const questions = questionColumns(columns);
  for (const cells of entries) {
    if (!questions) blocks.add({ type: 'row', columns, cells });
    else {
      addQuestion(
        {
          question: cells[questions.question] ?? '',
          answer: cells[questions.answer] ?? '',
          url: cells[questions.url],
        },
        blocks,
      );
    }
  }
  const note = blocks.note();
  return { blocks: blocks.blocks, ...(note === undefined ? {} : { note }) };
};
