import { z } from 'zod';
import type { Clock, Logger } from '../chat/ports.ts';
import { outlineOf } from '../errors.ts';
import type { Adviser } from './advice.ts';
import type { HttpClient } from './http-client.ts';
import { createClient } from './upstream.ts';
import { faultOf } from './upstream-fault.ts';

const DAY_MS = 86_400_000;
/** How many days before a model's shutdown the log warns. */
const NOTICE_DAYS = 90;
const ANSWER_WITHIN_MS = 10_000;

const modelEntry = z.object({ shutdown_date: z.iso.date().nullish() });

interface ModelShutdownDeps {
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  readonly http: HttpClient;
  readonly adviser: Adviser;
  /** The model in use now; undefined where the server's assistant has its own. */
  readonly model: () => string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Watches for the end of the model, where the server tells it. */
export interface ModelShutdownWatch {
  /** A sentence on a model that ends soon; else undefined. */
  note(): string | undefined;
  stop(): void;
}

/** Asks at once and then once a day for the model's `shutdown_date`, and warns from 90 days on. */
export const watchModelShutdown = ({
  model,
  adviser,
  clock,
  logger,
  ...upstream
}: ModelShutdownDeps): ModelShutdownWatch => {
  const client = createClient(upstream);
  let note: string | undefined;
  let stopped = false;

  const look = async (): Promise<void> => {
    const name = model();
    if (name === undefined) return;
    const entry = await client.models.retrieve(name, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    const ends = modelEntry.safeParse(entry).data?.shutdown_date;
    const days = ends ? Math.ceil((Date.parse(ends) - clock.now()) / DAY_MS) : Number.POSITIVE_INFINITY;
    logger.info({ model: name, shutdown_date: ends ?? null }, 'the upstream has the model');
    note = days > NOTICE_DAYS ? undefined : `the model ${name} is shut down on ${ends}`;
    if (note) logger.warn({ model: name, shutdown_date: ends, days }, `${note}: set another in time`);
  };
  // Most servers do not tell, and some have no such route: that is no fault, but it may be the first sign of one.
  const quietly = () => {
    look().catch((thrown: unknown) => {
      const { status } = faultOf(thrown) ?? {};
      logger.info({ why: outlineOf(thrown) }, `the model could not be looked up (${status ?? 'no answer'})`);
      if (!stopped) adviser.onFailure(thrown, `/models/${model() ?? ''}`);
    });
  };
  quietly();
  const timer = setInterval(quietly, DAY_MS);
  timer.unref();
  return {
    note: () => note,
    stop: () => {
      stopped = true;
      clearInterval(timer);
    },
  };
};
