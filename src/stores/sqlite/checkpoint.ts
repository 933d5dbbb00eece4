import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Logger } from '../../chat/ports.ts';
import type { Thread } from './thread.ts';

/** A reader in the middle of a read keeps the write-ahead log from being emptied. */
const TRIES = 50;
const PAUSE_MS = 100;

/** Bytes of the write-ahead log from which it is brought into the database. */
const LONG_BYTES = 16 * 1024 * 1024;
/** Calls in commits between two looks at its length. */
const LOOK_EVERY = 500;

const answer = z.array(z.object({ busy: z.number() }));

/**
 * Brings the write-ahead log into the database. Most of that is done beside the writer, which goes on meanwhile; what
 * came in between is little, and the writer does it itself so that it can begin the log anew.
 */
export class Checkpoints {
  readonly #deps: {
    readonly file: string;
    readonly writer: Thread;
    readonly helper: Thread;
    readonly logger: Logger;
  };
  #calls = 0;
  #isBusy = false;

  /** @param deps.helper A thread that may take its time. */
  constructor(deps: { file: string; writer: Thread; helper: Thread; logger: Logger }) {
    this.#deps = deps;
  }

  /** Says that so many calls were committed. */
  committed(calls: number): void {
    this.#calls += calls;
    if (this.#calls < LOOK_EVERY || this.#isBusy) return;
    this.#calls = 0;
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
    const { file, writer, helper } = this.#deps;
    const found = await stat(`${file}-wal`).catch(() => undefined);
    if (!found || found.size < LONG_BYTES) return;
    await helper.ask({ type: 'checkpoint', mode: 'PASSIVE' });
    await writer.ask({ type: 'checkpoint', mode: 'TRUNCATE' });
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
