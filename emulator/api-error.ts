/** Failures in the shape of OpenAI's wire: `{error: {message, type, param, code}}`. */

import type { OpenAI } from 'openai';

type ErrorObject = OpenAI.ErrorObject;

/** A failure that is answered with an HTTP status and OpenAI's error object. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string | null;
  readonly param: string | null;

  constructor(status: number, message: string, code: string | null = null, param: string | null = null) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.param = param;
  }
}

/** OpenAI's `type` of an error with this status. */
const typeOf = (status: number): string => {
  if (status === 429) return 'requests';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
};

/** The body of an error answer. */
export const errorBody = (failure: ApiError): { error: ErrorObject } => ({
  error: {
    message: failure.message,
    type: typeOf(failure.status),
    param: failure.param,
    code: failure.code,
  },
});

/** Whatever was thrown, as an ApiError. */
export const asApiError = (thrown: unknown): ApiError =>
  thrown instanceof ApiError
    ? thrown
    : new ApiError(500, `The emulator failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`);

export const conversationNotFound = (id: string): ApiError =>
  new ApiError(404, `Conversation with id '${id}' not found.`);

export const conversationLocked = (): ApiError =>
  new ApiError(
    400,
    'Another process is currently operating on this conversation. Please retry in a few seconds.',
    'conversation_locked',
  );

/** A function call that nothing came back of (Responses wire). */
export const noToolOutput = (callId: string): ApiError =>
  new ApiError(400, `No tool output found for function call ${callId}.`, null, 'input');

/** An output of a function that was not called (Responses wire). */
export const noToolCall = (callId: string): ApiError =>
  new ApiError(400, `No tool call found for function call output with call_id ${callId}.`, null, 'input');

/** The code and words of an input that is longer than the model can read. */
export const CONTEXT_FULL = {
  code: 'context_length_exceeded',
  message: 'Your input exceeds the context window of this model. Please adjust your input and try again.',
} as const;

/** The same at chat completions. */
export const completionContextFull = (): ApiError =>
  new ApiError(
    400,
    "This model's maximum context length is 128000 tokens. However, your messages resulted in 128001 tokens. Please reduce the length of the messages.",
    CONTEXT_FULL.code,
    'messages',
  );

export const threadNotFound = (id: string): ApiError => new ApiError(404, `No thread found with id '${id}'.`);

export const runActive = (thread: string, run: string): ApiError =>
  new ApiError(400, `Thread ${thread} already has an active run ${run}.`);

export const messagesWhileRunActive = (thread: string, run: string): ApiError =>
  new ApiError(400, `Can't add messages to ${thread} while a run ${run} is active.`);

export const modelNotFound = (model: string): ApiError =>
  new ApiError(
    404,
    `The model \`${model}\` does not exist or you do not have access to it.`,
    'model_not_found',
    'model',
  );
