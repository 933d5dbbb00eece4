import { readFile, rename } from 'node:fs/promises';
import type { Adapter } from 'lowdb';
import { z } from 'zod';
import type { AcceptedMessage, UpstreamThread } from '../../chat/model.ts';
import type { Logger } from '../../chat/ports.ts';
import { errnoOf, FILE_MODE, replaceFile } from '../../log-file/durable-file.ts';
import type { KeyEntry } from './idempotency-keys.ts';
import {
  type ArchiveIntent,
  archiveIntent,
  type Erasure,
  erasure,
  takenMessage,
  upstreamThread,
} from './records.ts';

/** What the store keeps beside the log. */
export interface State {
  /** The first journal part that is not yet in the snapshot; those before it are of no use any more. */
  journalFrom: number;
  /** Archive files that were promised and may not be written yet. */
  archiving: ArchiveIntent[];
  /** Messages by day. */
  days: Iterable<readonly [day: string, count: number]>;
  /** Messages that were taken and are not finished. */
  taken: Iterable<AcceptedMessage>;
  /** By visitorKey. */
  threads: Iterable<readonly [visitor: string, thread: UpstreamThread]>;
  /** The one that was set longest ago comes first. */
  facts: Iterable<readonly [name: string, value: string]>;
  /** The `user_id`s that the site has vouched for. */
  vouched: Iterable<string>;
  /** Tokens that have ended before their time, with that time in seconds since 1970. */
  ended: Iterable<readonly [token: string, until: number]>;
  /** Idempotency keys; the one that came longest ago comes first. */
  keys: Iterable<KeyEntry>;
  /** What is not known to be gone from the archive yet. */
  erasing: Erasure[];
}

export const emptyState = (): State => ({
  journalFrom: 0,
  archiving: [],
  days: [],
  taken: [],
  threads: [],
  facts: [],
  vouched: [],
  ended: [],
  keys: [],
  erasing: [],
});

const stateFile = z.object({
  journalFrom: z.number(),
  archiving: z.array(archiveIntent),
  days: z.array(z.tuple([z.string(), z.number()])),
  taken: z.array(takenMessage),
  threads: z.array(z.tuple([z.string(), upstreamThread])),
  // The first versions had none of these.
  facts: z.array(z.tuple([z.string(), z.string()])).default([]),
  vouched: z.array(z.string()).default([]),
  ended: z.array(z.tuple([z.string(), z.number()])).default([]),
  keys: z.array(z.tuple([z.string(), z.string(), z.number()])).default([]),
  erasing: z.array(erasure).default([]),
});

const SLICE_LINES = 200;

function* listText(items: Iterable<unknown>): Generator<string> {
  let text = '[';
  let lines = 0;
  for (const item of items) {
    text += `${lines++ === 0 ? '' : ','}\n${JSON.stringify(item)}`;
    if (lines % SLICE_LINES === 0) {
      yield text;
      text = '';
    }
  }
  yield `${text}]`;
}

function* stateText(state: State): Generator<string> {
  yield `{"journalFrom": ${state.journalFrom},\n"archiving": `;
  yield* listText(state.archiving);
  yield ',\n"days": ';
  yield* listText(state.days);
  yield ',\n"taken": ';
  yield* listText(state.taken);
  yield ',\n"threads": ';
  yield* listText(state.threads);
  yield ',\n"facts": ';
  yield* listText(state.facts);
  yield ',\n"vouched": ';
  yield* listText(state.vouched);
  yield ',\n"ended": ';
  yield* listText(state.ended);
  yield ',\n"keys": ';
  yield* listText(state.keys);
  yield ',\n"erasing": ';
  yield* listText(state.erasing);
  yield '}\n';
}

/** @throws The system's error, or one of JSON or zod where the file makes no sense. */
export const readState = async (path: string): Promise<State> =>
  stateFile.parse(JSON.parse(await readFile(path, 'utf8')));

/** state.json, for lowdb: what is kept beside the log. */
export class StateFile implements Adapter<State> {
  readonly #path: string;
  readonly #logger: Logger;

  constructor(path: string, logger: Logger) {
    this.#path = path;
    this.#logger = logger;
  }

  /**
   * @returns null where there is no file, or none that makes sense: that one is moved aside. Without it
   * threads are made anew and counts begin again, which is better than no service.
   */
  async read(): Promise<State | null> {
    try {
      return await readState(this.#path);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return null;
      if (errnoOf(error)) throw new Error(`${this.#path} cannot be read.`, { cause: error });
      const damaged = `${this.#path}.damaged`;
      await rename(this.#path, damaged);
      this.#logger.error({ err: error, file: damaged }, 'state.json is damaged and was moved aside');
      return null;
    }
  }

  async write(state: State): Promise<void> {
    await replaceFile(this.#path, FILE_MODE, stateText(state));
  }
}
