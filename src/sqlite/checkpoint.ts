import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Logger } from '../chat/ports.ts';
import { type Connection, number } from './connection.ts';
import type { DatabaseWorker } from './worker-handle.ts';

/** A reader in the middle of a read keeps the write-ahead log from being emptied. */
const TRIES = 50;
const PAUSE_MS = 100;

/** Pages in the write-ahead log from which they are brought into the database: 16 MB. */
const LONG_PAGES = 4096;
/** Calls in commits between two looks at its length. */
const LOOK_EVERY = 100;

const answer = z.array(z.object({ busy: z.number() }));

interface CheckpointsDeps {
  readonly writer: DatabaseWorker;
  /** A worker that may take its time. */
  readonly helper: DatabaseWorker;
  /** A connection for looking at the length of the log; undefined where there is no write-ahead log. */
  readonly own: () => Connection | undefined;
  readonly logger: Logger;
}

/**
 * Brings the write-ahead log into the database. Most of that is done beside the writer, which goes on meanwhile; what
 * came in between is little, and the writer does it itself so that it can begin the log anew. The file keeps its
 * length: to write over it is faster than to make it longer.
 */
export class Checkpoints {
  readonly #deps: CheckpointsDeps;
  #calls = 0;
  #isBusy = false;

  constructor(deps: CheckpointsDeps) {
    this.#deps = deps;
  }

  /** Says that so many calls were committed. */
  committed(calls: number): void {
    this.#calls += calls;
    if (this.#calls < LOOK_EVERY || this.#isBusy) return;
    this.#calls = 0;
    const pages = this.#deps.own()?.get('PRAGMA wal_checkpoint(NOOP)')?.log;
    if (pages === undefined || number(pages) < LONG_PAGES) return;
    this.#isBusy = true;
    void this.#shorten()
      .catch((error: unknown) => {
        this.#deps.logger.warn({ err: error }, 'the write-ahead log cannot be shortened; retrying');
      })
      .finally(() => {
        this.#isBusy = false;
      });
  }

  async #shorten(): Promise<void> {
    const { writer, helper } = this.#deps;
    await helper.ask({ type: 'checkpoint', mode: 'PASSIVE' });
    await writer.ask({ type: 'checkpoint', mode: 'RESTART' });
  }

  /** Empties the write-ahead log, so that nothing deleted is left in it. @throws Error where readers are in the way. */
  async empty(): Promise<void> {
    for (let tries = 0; tries < TRIES; tries++) {
      const [state] = answer.parse(await this.#deps.writer.ask({ type: 'checkpoint', mode: 'TRUNCATE' }));
      if (!state || state.busy === 0) return;
      await sleep(PAUSE_MS);
    }
    throw new Error('the write-ahead log could not be emptied: it is being read all the time');
  }
}
