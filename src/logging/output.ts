import type { DestinationStream } from 'pino';
import { greeting, type Started } from './greeting.ts';
import { createLogOutput } from './log-output.ts';
import { createPaint, createPrettyOutput } from './pretty.ts';

/** Where the log goes and in which form. */
export interface Output {
  /** Takes the lines of the JSON log. */
  readonly lines: DestinationStream;
  /** Greets a person who reads along; undefined where only machines read. */
  readonly greet: ((started: Started) => void) | undefined;
}

interface OutputOptions {
  /** The terminal that standard output is, if it is one. */
  readonly terminal?: { readonly colours: boolean } | undefined;
  /** Where the log goes; absent: standard output. */
  readonly log?: DestinationStream;
}

/** Opens the log's output in the form of `LOG_FORMAT`. */
export const openOutput = ({ terminal, log }: OutputOptions, format: 'auto' | 'pretty' | 'json'): Output => {
  const output = log ?? createLogOutput();
  const isPretty = format === 'pretty' || (format === 'auto' && terminal !== undefined);
  if (!isPretty) return { lines: output, greet: undefined };
  const paint = createPaint(terminal?.colours ?? false);
  return {
    lines: createPrettyOutput(output, paint),
    greet: (started) => void output.write(greeting(started, paint)),
  };
};
