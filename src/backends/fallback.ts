import type { Backend, Clock, Logger, RunEvent, RunRequest } from '../chat/ports.ts';
import { AppError, type ErrorCode } from '../errors.ts';

/** How long a failed upstream is not asked. */
const REST_MS = 30_000;

/** Failures that are the upstream's, and that another may not have. */
const UPSTREAMS_OWN: ReadonlySet<ErrorCode> = new Set([
  'upstream_unreachable',
  'upstream_failed',
  'upstream_busy',
  'upstream_timeout',
]);

/** A backend that may have someone to stand in for it, and tells who answers. */
export interface FallbackBackend extends Backend {
  /** A sentence on who answers while it is not the first; else undefined. */
  note(): string | undefined;
}

interface FallbackDeps {
  readonly first: Backend;
  readonly second: Backend;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Lets a second upstream answer where the first fails before its first word for a reason of its own. The first
 * then rests, and the next message after that tries it again. Each makes the visitor's thread anew from the
 * transcript where the other made it, so that the memory comes along.
 */
export const createFallbackBackend = ({ first, second, clock, logger }: FallbackDeps): FallbackBackend => {
  let restsUntil = 0;
  let standsIn = false;

  async function* run(request: RunRequest): AsyncIterable<RunEvent> {
    if (clock.now() < restsUntil) {
      yield* second.run(request);
      return;
    }
    let spoke = false;
    try {
      for await (const event of first.run(request)) {
        spoke ||= event.type === 'delta';
        if (standsIn && spoke) {
          standsIn = false;
          logger.info({}, 'the first upstream answers again');
        }
        yield event;
      }
      return;
    } catch (thrown) {
      if (spoke || request.signal.aborted || !isUpstreamsOwn(thrown)) throw thrown;
      restsUntil = clock.now() + REST_MS;
      standsIn = true;
      logger.warn({ err: thrown, rests_ms: REST_MS }, 'the first upstream failed: the fallback answers');
    }
    yield* second.run(request);
  }

  return {
    name: `${first.name}, then ${second.name}`,
    run,
    note: () =>
      standsIn
        ? 'the fallback answers: the first upstream failed and is tried again after a rest'
        : undefined,
  };
};

const isUpstreamsOwn = (thrown: unknown): boolean => {
  if (!(thrown instanceof AppError)) return false;
  // An account run dry answers 429, too; no waiting mends it here, but another account may have more.
  const { cause } = thrown;
  return (
    UPSTREAMS_OWN.has(thrown.code) || (cause instanceof Error && 'status' in cause && cause.status === 429)
  );
};
