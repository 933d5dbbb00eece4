import type { Backend, RunEvent, RunRequest } from '../chat/backend-port.ts';
import type { Logger } from '../chat/ports.ts';
import { AppError, type ErrorCode, outlineOf } from '../errors.ts';
import { faultOf, isBusy, isModelGone, isUnpaid } from './upstream-fault.ts';

/** How long a failed upstream is not asked. */
const REST_MS = 30_000;

/** Failures that are the upstream's, and that another may not have. */
const UPSTREAMS_OWN: ReadonlySet<ErrorCode> = new Set([
  'upstream_unreachable',
  'upstream_failed',
  'upstream_busy',
  'upstream_timeout',
]);

/** A thread that nobody made, so that nobody uses it: the next run rebuilds one from the transcript. */
const NO_THREAD = { id: 'none', madeBy: 'nobody' };

/** A backend that may have someone to stand in for it, and tells who answers. */
export interface FallbackBackend extends Backend {
  /** A sentence on who answers while it is not the first; else undefined. */
  note(): string | undefined;
}

interface FallbackDeps {
  readonly first: Backend;
  readonly second: Backend;
  readonly logger: Logger;
}

/**
 * Lets a second upstream answer where the first fails before its first word for a reason of its own. The first
 * then rests, and the next message after that tries it again. Each rebuilds the visitor's thread from the
 * transcript where the other made it, so that the memory comes along.
 */
export const createFallbackBackend = ({ first, second, logger }: FallbackDeps): FallbackBackend => {
  /** When the first upstream last failed; by a clock that nobody sets. */
  let failedAt = Number.NEGATIVE_INFINITY;
  let standsIn = false;

  async function* run(request: RunRequest): AsyncIterable<RunEvent> {
    if (performance.now() - failedAt < REST_MS) {
      yield* standIn(request);
      return;
    }
    /** Past the point of return: something was said, or a function did its work, and must not do it twice. */
    let committed = false;
    try {
      for await (const event of first.run(request)) {
        committed ||= event.type === 'delta' || event.type === 'called';
        if (standsIn && committed) {
          standsIn = false;
          logger.info({}, 'the first upstream answers again');
        }
        yield event;
      }
      return;
    } catch (thrown) {
      if (committed || request.signal.aborted || !isUpstreamsOwn(thrown)) throw thrown;
      failedAt = performance.now();
      standsIn = true;
      logger.warn(
        { why: outlineOf(thrown), rests_ms: REST_MS },
        'the first upstream failed: the fallback answers',
      );
    }
    yield* standIn(request);
  }

  /** The first upstream's thread does not hear what the second answers: it must not be used again. */
  async function* standIn(request: RunRequest): AsyncIterable<RunEvent> {
    let isReplaced = request.thread === undefined;
    for await (const event of second.run(request)) {
      isReplaced ||= event.type === 'thread';
      if (event.type === 'end' && !isReplaced) yield { type: 'thread', thread: NO_THREAD };
      yield event;
    }
  }

  return {
    name: `${first.name}, then ${second.name}`,
    run,
    forget: async (thread, signal) => {
      // Each forgets only what it made.
      await Promise.all([first.forget?.(thread, signal), second.forget?.(thread, signal)]);
    },
    note: () =>
      standsIn
        ? 'the fallback answers: the first upstream failed and is tried again after a rest'
        : undefined,
  };
};

const isUpstreamsOwn = (thrown: unknown): boolean => {
  if (!(thrown instanceof AppError)) return false;
  if (UPSTREAMS_OWN.has(thrown.code)) return true;
  // An account run dry, or a model that is gone: no waiting helps here, but another upstream may have more.
  const fault = faultOf(thrown.cause);
  return fault !== undefined && (isUnpaid(fault) || isModelGone(fault) || isBusy(fault));
};
