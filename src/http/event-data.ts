import type { TurnEvent } from '../chat/live-turns.ts';
import { errorBody, type Told } from './failures.ts';
import type { ChatAnswer } from './schemas.ts';

export interface EventDataOptions {
  /** The JSON answer that `done` carries. */
  readonly toAnswer: (event: Extract<TurnEvent, { type: 'done' }>) => ChatAnswer;
  /** Goes with `accepted` for a session that began with this message. */
  readonly newToken: string | undefined;
}

/** What a reader is told with an event of a turn, on every wire. @param id The turn's. */
export const eventData = (
  event: TurnEvent,
  id: string,
  told: Told,
  { toAnswer, newToken }: EventDataOptions,
): object => {
  switch (event.type) {
    case 'accepted':
      return newToken === undefined ? { id } : { id, session_token: newToken };
    case 'delta':
      return { text: event.text };
    case 'done':
      return toAnswer(event);
    case 'error':
      return errorBody(event.error, told);
  }
};
