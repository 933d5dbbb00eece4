/** The event sequence of a response: `response.created` … `response.completed`. */

import { ApiError, CONTEXT_FULL } from './api-error.ts';
import type { Plan } from './plan.ts';
import type { StoredResponse } from './response-object.ts';
import { numbered, outputOf, type WireEvent } from './response-output.ts';
import { typedEvent } from './sse.ts';
import type { Script } from './turn.ts';

type Failure = Extract<Plan['ending'], { code: string }>;

/** An `error` event. OpenAI nests the error that tells of a full context. */
const errorEvent = ({ code, message }: Failure, sequence_number: number): string =>
  code === CONTEXT_FULL.code
    ? typedEvent({
        type: 'error',
        sequence_number,
        error: { type: 'invalid_request_error', code, message, param: 'input' },
      })
    : typedEvent({ type: 'error', code, message, param: null, sequence_number });

/**
 * @param ids The ids of the output messages: of the answer, and of the commentary before it.
 * @param end Called when the response is over; its output stands in it then.
 */
export const responseScript = (
  stored: StoredResponse,
  ids: { readonly answer: string; readonly commentary: string },
  end: (cancelled: boolean) => void,
): Script => {
  const { plan } = stored;
  const output = outputOf(plan, ids);
  const firstDelta = 2 + output.opening.length;
  const afterDeltas = firstDelta + plan.pieces.length + output.between;

  const lastEvents = (): string => {
    const response = stored.object();
    const tell = (...events: WireEvent[]) => numbered(events, afterDeltas);
    switch (plan.ending.kind) {
      case 'completed':
        return tell(...output.closing, { type: 'response.completed', response });
      case 'incomplete':
        return tell(...output.closing, { type: 'response.incomplete', response });
      case 'error-event':
        return errorEvent(plan.ending, afterDeltas);
      default:
        return tell({ type: 'response.failed', response });
    }
  };

  return {
    deltas: plan.pieces.length,
    head: () => {
      const response = stored.object();
      const started: WireEvent[] = [
        { type: 'response.created', response },
        { type: 'response.in_progress', response },
      ];
      return numbered([...started, ...output.opening], 0);
    },
    delta: (piece) => output.delta(piece, firstDelta),
    tail: lastEvents,
    json: () => {
      if (plan.ending.kind !== 'error-event') return stored.object();
      const { code, message } = plan.ending;
      throw new ApiError(code === CONTEXT_FULL.code ? 400 : 500, message, code);
    },
    settle: () => {
      const { kind } = plan.ending;
      if (kind === 'completed' || kind === 'incomplete') stored.output = output.items;
      end(false);
    },
    cancel: () => {
      end(true);
      return '';
    },
  };
};
