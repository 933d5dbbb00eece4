import type { LogCounts } from '../log-file/check-log.ts';
import type { ImportCounts } from './import-log.ts';
import type { ThreadCounts } from './thread-map.ts';

/** What an import has done, or would do. */
export interface ImportReport {
  readonly file: string;
  /** The store. */
  readonly into: string;
  readonly dryRun: boolean;
  readonly log: LogCounts;
  readonly exchanges: ImportCounts;
  /** undefined where no map was given. */
  readonly threads?: ThreadCounts & {
    /** Threads that no one has a right to. */
    readonly nobodys: number;
    /** Threads that the configured backend would not use. */
    readonly unused: number;
  };
}

const NUMBER_WIDTH = 14;

type Line = readonly [what: string, count: number, remark?: string];

const table = (lines: readonly Line[]): string => {
  const width = Math.max(...lines.map(([what]) => what.length));
  return lines
    .map(([what, count, remark]) => {
      const number = count.toLocaleString('en').padStart(NUMBER_WIDTH);
      return `  ${what.padEnd(width)}${number}${remark ? `  (${remark})` : ''}`;
    })
    .join('\n');
};

/** A line that is only of interest where there is something to count. */
const unlessZero = (line: Line): Line[] => (line[1] === 0 ? [] : [line]);

/** The report for people. */
export const reportText = (report: ImportReport): string => {
  const { file, into, dryRun, log, exchanges, threads } = report;
  const lines: Line[] = [
    ['users', log.users],
    ['exchanges', log.exchanges],
    ['  anonymous', log.anonymous, 'logged; those without a session are told to no one'],
    ['  failed', log.failed, 'without an answer'],
    ...unlessZero(['  in milliseconds', log.inMilliseconds, 'their times become seconds']),
    ...unlessZero(['left out', log.invalid, 'no exchanges']),
    ['already there', exchanges.known],
    ['new', exchanges.added],
  ];
  if (threads) {
    lines.push(
      ['threads', threads.takenOver],
      ['  already there', threads.known],
      ...unlessZero([
        '  not used',
        threads.unused,
        'BACKEND is not assistants: what visitors said is told to their new threads from the log',
      ]),
      ...unlessZero([
        '  of no one',
        threads.nobodys,
        'shared by all visitors without a name: not taken over',
      ]),
    );
  }
  const title = dryRun
    ? `Nothing was written. This is what importing ${file} into ${into} would do:`
    : `Imported ${file} into ${into}:`;
  return `${title}\n${table(lines)}`;
};
