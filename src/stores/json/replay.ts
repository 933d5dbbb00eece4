import { readFile } from 'node:fs/promises';
import type { Logger } from '../../chat/ports.ts';
import { listParts, partPath } from './journal-part.ts';
import { type JournalRecord, journalRecord } from './records.ts';

const NEWLINE = 0x0a;

const recordIn = (line: string): JournalRecord | undefined => {
  try {
    return journalRecord.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
};

/** What a journal folder had to tell. */
export interface Replayed {
  /** The highest part number seen; 0 where there is none. */
  readonly last: number;
  /** Whether any part says more than its number. */
  readonly changed: boolean;
  /** Parts with lines that cannot be read. */
  readonly damaged: ReadonlySet<number>;
}

/**
 * Reads the parts of a journal folder from part `from` on, in order, and applies each line.
 * A torn last line was never acknowledged: it is dropped with a warning. A broken one before it is skipped
 * with an error, and its part is reported as damaged.
 * @throws The system's error where a part cannot be read.
 */
export const replayParts = async (
  folder: string,
  from: number,
  apply: (record: JournalRecord) => void,
  logger: Logger,
): Promise<Replayed> => {
  const numbers = await listParts(folder);
  const damaged = new Set<number>();
  let changed = false;
  for (const number of numbers.filter((candidate) => candidate >= from)) {
    const file = partPath(folder, number);
    const text = await readFile(file);
    let start = 0;
    for (let line = 1; start < text.length; line++) {
      const end = text.indexOf(NEWLINE, start);
      if (end < 0) {
        logger.warn({ file, line, bytes: text.length - start }, 'dropped a torn last line of the journal');
        break;
      }
      const record = recordIn(text.toString('utf8', start, end));
      if (record) apply(record);
      else {
        logger.error({ file, line }, 'skipped a broken line of the journal; the file is kept');
        damaged.add(number);
      }
      changed ||= record?.type !== 'part';
      start = end + 1;
    }
  }
  return { last: numbers.at(-1) ?? 0, changed, damaged };
};
