import type { NumberedEvent, Turn } from '../../chat/live-turns.ts';
import type { AppError } from '../../errors.ts';
import type { Told } from '../failures.ts';

/** What a client's text frame asks for. */
export type Asked =
  /** @property id The client's own name of the message: its idempotency key. */
  | { readonly type: 'message'; readonly id?: string; readonly text: string }
  /** @property id The exchange. @property from The number of the first event that is wanted. */
  | { readonly type: 'resume'; readonly id: string; readonly from: number }
  | { readonly type: 'stop'; readonly id: string }
  /** A frame that is no good, with its name where it has one. */
  | { readonly type: 'refused'; readonly id?: string; readonly error: AppError }
  /** A sign of life, and no more. */
  | { readonly type: 'nothing' };

/** What goes with everything that a client is told. `requestId` is the socket's, as in its handshake and in the log. */
export interface Telling extends Told {
  /** The name of the frame that it answers. */
  readonly frame: string | undefined;
}

/** A wire form over WebSocket: what text frames mean. What a socket may do is the same in all of them. */
export interface SocketProtocol {
  read(text: string): Asked;
  /** The frame for an event of a turn; undefined where the form has none for it. */
  event(turn: Turn, next: NumberedEvent, telling: Telling): string | undefined;
  /** The frame for a frame that was refused. */
  refusal(error: AppError, telling: Telling): string;
  /** A frame that shows a page that the service is there; absent: none is sent. */
  readonly ping?: string;
}
