/**
 * The one error class of the service, and a factory per failure.
 *
 * `code` is stable and public (docs/api.md, "Errors"); `message` is written for visitors, `detail` for whoever wrote the
 * page or program that called. Neither carries upstream text, keys, paths or stack traces. What really happened goes
 * into `cause`, for the log.
 */

const STATUS = {
  invalid_json: 400,
  invalid_request: 400,
  session_required: 401,
  session_invalid: 401,
  session_expired: 401,
  user_mismatch: 403,
  origin_not_allowed: 403,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  thread_busy: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  idempotency_mismatch: 422,
  rate_limited: 429,
  budget_spent: 429,
  internal_error: 500,
  upstream_unreachable: 502,
  upstream_unauthorized: 502,
  upstream_rejected: 502,
  upstream_failed: 502,
  upstream_busy: 503,
  overloaded: 503,
  log_unavailable: 503,
  shutting_down: 503,
  upstream_timeout: 504,
} as const;

/** A stable error code, as visitors and the log see it. */
export type ErrorCode = keyof typeof STATUS;

/** The HTTP statuses that a failure can have. */
export type ErrorStatus = (typeof STATUS)[ErrorCode];

/** The HTTP status that answers a failure. */
export const statusOf = (code: ErrorCode): ErrorStatus => STATUS[code];

/** A failure with a public code. Whatever else is thrown ends as `internal_error`. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly status: ErrorStatus;
  /** Seconds after which trying again makes sense; sent as `Retry-After`. */
  readonly retryAfter: number | undefined;
  /** What is wrong with the request, by the name of the field: a sentence for developers, in English. */
  readonly detail: string | undefined;

  constructor(code: ErrorCode, message: string, options: FailureOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'AppError';
    this.code = code;
    this.status = STATUS[code];
    this.retryAfter = options.retryAfter;
    this.detail = options.detail;
  }
}

interface FailureOptions {
  readonly cause?: unknown;
  /** Seconds. */
  readonly retryAfter?: number;
  readonly detail?: string;
}

type Factory = (options?: FailureOptions) => AppError;
const factories = new Map<string, Factory>();
const failure = (code: ErrorCode, message: string, defaults: FailureOptions = {}): Factory => {
  const factory: Factory = (options = {}) => new AppError(code, message, { ...defaults, ...options });
  factories.set(code, factory);
  return factory;
};

export const invalidJson = failure('invalid_json', 'Your message could not be read. Please try again.', {
  detail: 'The request body is not valid JSON in UTF-8.',
});
const invalid = failure('invalid_request', 'This message cannot be sent. It may be empty or too long.');
/** @param detail A short sentence that names the field and what it takes. */
export const invalidRequest = (detail: string): AppError => invalid({ detail });
/** A message with a file, which nothing here can take: the one fault of a request that its visitor can mend. */
export const filesNotTaken = (): AppError =>
  new AppError('invalid_request', 'Files cannot be sent here. Please send text.', {
    detail: 'Only text is taken.',
  });
export const sessionRequired = failure('session_required', 'Please sign in or reload the page.', {
  detail: 'This needs a session token or a site key.',
});
export const sessionInvalid = failure(
  'session_invalid',
  'Your session is not valid. Please reload the page.',
);
export const sessionExpired = failure('session_expired', 'Your session has ended. Please reload the page.');
export const userMismatch = failure(
  'user_mismatch',
  'Your session belongs to someone else. Please reload the page.',
  { detail: 'The user_id is not the one of the session token.' },
);
export const originNotAllowed = failure('origin_not_allowed', 'The chat is not available on this site.', {
  detail: 'ALLOWED_ORIGINS does not name the origin of this page.',
});
export const forbidden = failure('forbidden', 'This is not allowed.');
export const notFound = failure('not_found', 'This could not be found.');
export const methodNotAllowed = failure('method_not_allowed', 'This is not possible here.', {
  detail: 'The path does not take this method; the Allow header lists those it takes.',
});
export const threadBusy = failure(
  'thread_busy',
  'Your earlier messages are still being answered. Please wait a moment.',
  { retryAfter: 5 },
);
export const bodyTooLarge = failure('body_too_large', 'Your message is too long.', {
  detail: 'A request body may have 64 KiB.',
});
export const unsupportedMediaType = failure(
  'unsupported_media_type',
  'Your message could not be read. Please try again.',
  { detail: 'Send the request as application/json in UTF-8, not compressed.' },
);
export const rateLimited = failure('rate_limited', 'Too many messages. Please wait a moment.');
export const budgetSpent = failure('budget_spent', 'The daily limit is reached. Please try again tomorrow.');
export const idempotencyMismatch = failure(
  'idempotency_mismatch',
  'This message could not be sent. Please try again.',
  { detail: 'This key came with another message before. Use a new key for a new message.' },
);
export const internalError = failure('internal_error', 'Something went wrong on our side. Please try again.');
export const upstreamUnreachable = failure(
  'upstream_unreachable',
  'The assistant cannot be reached. Please try again.',
);
export const upstreamUnauthorized = failure(
  'upstream_unauthorized',
  'The assistant is not set up correctly.',
);
export const upstreamRejected = failure('upstream_rejected', 'The assistant could not answer this message.');
export const upstreamFailed = failure('upstream_failed', 'The assistant failed to answer. Please try again.');
export const upstreamBusy = failure('upstream_busy', 'The assistant is busy. Please try again in a moment.', {
  retryAfter: 10,
});
export const overloaded = failure(
  'overloaded',
  'There are many conversations right now. Please try again in a moment.',
  { retryAfter: 5 },
);
export const logUnavailable = failure(
  'log_unavailable',
  'Your message could not be saved. Please try again.',
  { retryAfter: 5 },
);
export const shuttingDown = failure(
  'shutting_down',
  'The service is restarting. Please try again in a moment.',
  { retryAfter: 5 },
);
export const upstreamTimeout = failure(
  'upstream_timeout',
  'The assistant took too long to answer. Please try again.',
);

/** The failure that a code of the log stands for, as the visitor was told of it; `internal_error` for any other text. */
export const failureOf = (code: string): AppError => factories.get(code)?.() ?? internalError();

/** The failure as an AppError: itself, or a bland `internal_error` that keeps it as its cause. */
export const asAppError = (thrown: unknown): AppError =>
  thrown instanceof AppError ? thrown : internalError({ cause: thrown });

const OUTLINED: ReadonlySet<string> = new Set(['status', 'code', 'param', 'path', 'requestID']);

/**
 * What kind of failure it was, for the log: type, status and code of the error and its causes. No messages: an
 * upstream's may repeat what a visitor wrote, or a key.
 */
export const outlineOf = (thrown: unknown): object => {
  if (!(thrown instanceof Error)) return { type: typeof thrown };
  const outline: Record<string, unknown> = { type: thrown.name };
  for (const [name, value] of Object.entries(thrown)) {
    if (!OUTLINED.has(name) || value === undefined || value === null) continue;
    outline[name] = typeof value === 'string' ? value.replace(/[^\x20-\x7E]/g, '').slice(0, 200) : value;
  }
  return thrown.cause === undefined ? outline : { ...outline, cause: outlineOf(thrown.cause) };
};
