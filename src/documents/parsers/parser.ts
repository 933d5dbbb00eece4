import { type ChildProcess, fork } from 'node:child_process';
import { type ParsedDocument, UnreadableDocument } from '../model.ts';
import { PARSE_LIMITS, type ParseLimits } from './limits.ts';
import type { RawDocument } from './parse.ts';
import type { ParseOutcome, ParseTask } from './parse-worker.ts';
import type { PreparedDocument, PrepareOptions } from './prepare.ts';

/** Reads documents, one after another, in a process of their own. */
export interface Parser {
  /** @throws UnreadableDocument with the reason, also where it would have cost too much. */
  parse(raw: RawDocument): Promise<ParsedDocument>;
  /** Reads it, and makes it ready for the index. @throws UnreadableDocument */
  prepare(raw: RawDocument, options: PrepareOptions): Promise<PreparedDocument>;
  /** Ends the process. */
  close(): void;
}

const start = (): ChildProcess =>
  fork(new URL('./parse-process.ts', import.meta.url), {
    serialization: 'advanced',
    // Nothing of ours: what a hostile document could get its parser to do, it could do with it.
    env: {},
    execArgv: ['--permission', '--allow-fs-read=*', '--allow-worker', '--disable-warning=SecurityWarning'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });

/** Starts no process before there is something to parse, and another one where the last was spoilt. */
export const createParser = (bounds: Partial<ParseLimits> = {}): Parser => {
  const limits = { ...PARSE_LIMITS, ...bounds };
  let child: ChildProcess | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const drop = (spoilt: ChildProcess): void => {
    spoilt.kill('SIGKILL');
    if (child === spoilt) child = undefined;
  };

  const run = async (task: Omit<ParseTask, 'limits'>): Promise<ParseOutcome> => {
    const { raw } = task;
    if (raw.bytes.length > limits.maxBytes)
      throw new UnreadableDocument(`larger than ${limits.maxBytes} bytes`);
    const used = child ?? start();
    child = used;
    const { promise, resolve } = Promise.withResolvers<ParseOutcome>();
    const onMessage = (outcome: ParseOutcome) => resolve(outcome);
    const onGone = () => resolve({ type: 'spoilt', reason: 'its parser broke down' });
    const timer = setTimeout(
      () => resolve({ type: 'spoilt', reason: `takes longer than ${limits.maxTime / 1000} s` }),
      limits.maxTime,
    );
    used.on('message', onMessage);
    used.once('exit', onGone);
    used.once('error', onGone);
    try {
      used.send({ ...task, limits } satisfies ParseTask);
      const outcome = await promise;
      if (outcome.type === 'spoilt') drop(used);
      return outcome;
    } finally {
      clearTimeout(timer);
      used.off('message', onMessage);
      used.off('exit', onGone);
      used.off('error', onGone);
    }
  };

  const inTurn = (task: Omit<ParseTask, 'limits'>): Promise<ParseOutcome> => {
    const result = last.then(() => run(task));
    last = result.catch(() => undefined);
    return result;
  };
  const failed = (outcome: ParseOutcome): UnreadableDocument =>
    new UnreadableDocument('reason' in outcome ? outcome.reason : 'its parser broke down');

  return {
    parse: async (raw) => {
      const outcome = await inTurn({ raw });
      if (outcome.type === 'read') return outcome.document;
      throw failed(outcome);
    },
    prepare: async (raw, prepare) => {
      const outcome = await inTurn({ raw, prepare });
      if (outcome.type === 'prepared') return outcome.document;
      throw failed(outcome);
    },
    close: () => {
      if (child) drop(child);
    },
  };
};
