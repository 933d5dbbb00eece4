/** What goes over the wire between widget and service. Types only: the one thing that both sides share. */

/** A document that an answer quotes; the text marks it as `[n]`. */
export interface Source {
  readonly n: number;
  readonly title: string;
  readonly url?: string | undefined;
  /** Where in the document, such as "page 3". */
  readonly place?: string | undefined;
}

/** Body of POST /api/chat. */
export interface ChatRequest {
  readonly message: string;
}

/** The JSON answer, and the data of the event `done`. */
export interface ChatAnswer {
  readonly answer: string;
  /** Names the exchange. */
  readonly id: string;
  readonly session_token?: string | undefined;
  /** The answer was cut short, or stopped. */
  readonly truncated?: true | undefined;
  readonly sources?: readonly Source[] | undefined;
}

/** The data of each event of a stream, by the event's name. */
export interface ChatEvents {
  readonly accepted: { readonly id: string; readonly session_token?: string | undefined };
  readonly delta: { readonly text: string };
  readonly done: ChatAnswer;
  readonly error: ErrorAnswer;
}

/** Every failure. */
export interface ErrorAnswer {
  readonly error: { readonly code: string; readonly message: string; readonly request_id: string };
}

/** An exchange as GET /api/history tells it. */
export interface HistoryExchange {
  readonly id: string;
  readonly user: string;
  /** Null where the turn failed. */
  readonly bot: string | null;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly error?: string | undefined;
  readonly truncated?: true | undefined;
  readonly sources?: readonly Source[] | undefined;
  readonly feedback?: { readonly rating: Rating; readonly comment?: string | undefined } | undefined;
}

/** GET /api/history, oldest first. */
export interface HistoryAnswer {
  readonly history: readonly HistoryExchange[];
  /** Where the page with older ones begins. */
  readonly before?: string | undefined;
}

/** POST /api/session, and part of POST /api/session/refresh. */
export interface SessionAnswer {
  readonly session_token: string;
  /** Seconds since 1970. */
  readonly expires_at: number;
}

export type Rating = 'up' | 'down';

/** Body of POST /api/feedback. */
export interface FeedbackRequest {
  readonly id: string;
  readonly rating: Rating | null;
  readonly comment?: string;
}
