import { parentPort } from 'node:worker_threads';
import { type ParsedDocument, UnreadableDocument } from '../model.ts';
import type { ParseLimits } from './limits.ts';
import { parseDocument, type RawDocument } from './parse.ts';
import { type PreparedDocument, type PrepareOptions, prepareDocument } from './prepare.ts';

/** What the parser's process is given. */
export interface ParseTask {
  readonly raw: RawDocument;
  readonly limits: ParseLimits;
  /** Given where it is to be made ready for the index, too. */
  readonly prepare?: PrepareOptions;
}

/** What it answers. */
export type ParseOutcome =
  | { readonly type: 'read'; readonly document: ParsedDocument }
  | { readonly type: 'prepared'; readonly document: PreparedDocument }
  | { readonly type: 'unreadable'; readonly reason: string }
  /** The process is spoilt, and ends. */
  | { readonly type: 'spoilt'; readonly reason: string };

const outcomeOf = async ({ raw, limits, prepare }: ParseTask): Promise<ParseOutcome> => {
  try {
    if (prepare) return { type: 'prepared', document: await prepareDocument(raw, prepare, limits) };
    return { type: 'read', document: await parseDocument(raw, limits) };
  } catch (thrown) {
    if (thrown instanceof UnreadableDocument) return { type: 'unreadable', reason: thrown.message };
    return { type: 'unreadable', reason: 'damaged: its parser failed' };
  }
};

parentPort?.on('message', (task: ParseTask) => {
  void outcomeOf(task).then((outcome) => parentPort?.postMessage(outcome));
});
